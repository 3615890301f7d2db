//! The orders that the list of sessions can have.

/// An order of the sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As they began: new ones come at the end, and nothing moves.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
    /// What was heard from last, first.
    Active,
    /// Most messages first.
    Messages,
    /// Most bytes first.
    Bytes,
    /// By the server's URL.
    Target,
    /// Broken rules first.
    Violations,
}

impl Sort {
    /// All of them, in the order that one key goes through.
    pub const ALL: [Sort; 7] = [
        Sort::Oldest,
        Sort::Newest,
        Sort::Active,
        Sort::Messages,
        Sort::Bytes,
        Sort::Target,
        Sort::Violations,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Oldest => "oldest",
            Sort::Newest => "newest",
            Sort::Active => "active",
            Sort::Messages => "messages",
            Sort::Bytes => "bytes",
            Sort::Target => "target",
            Sort::Violations => "violations",
        }
    }
}
