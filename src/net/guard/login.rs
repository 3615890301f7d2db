//! Has a client say who it is before it may use a listener.

use http::{HeaderValue, Method, StatusCode};

use super::auth::Lock;
use crate::net::accept::Asked;
use crate::net::serve::{Route, Serving, plain, wants};
use crate::net::target::absolute;

impl Serving {
    /// The lock that a request does not open; none where it may pass.
    fn locked(&self, asked: &Asked) -> Option<Lock> {
        let credentials = self.shared.auth.as_ref()?;
        let lock = match self.route {
            // What names no server gets nothing but the proxy's own page, which is everybody's.
            Route::Forward => {
                let uses =
                    asked.parts.method == Method::CONNECT || absolute(&asked.parts.uri.to_string()).is_some();
                uses.then_some(Lock::Proxy)
            }
            Route::Reverse(_) => Some(Lock::Server),
            // The password was asked for when the tunnel was.
            Route::Tunnel(_) | Route::Own => None,
        };
        lock.filter(|lock| !lock.is_opened(credentials, &asked.parts.headers))
    }

    /// Gives a request back that may pass; any other is asked for the password, and its connection ends.
    pub(in crate::net) async fn let_in(&self, asked: Asked) -> Option<Asked> {
        let Some(lock) = self.locked(&asked) else { return Some(asked) };
        let (status, why) = match lock {
            Lock::Proxy => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, PROXY),
            Lock::Server => (StatusCode::UNAUTHORIZED, SERVER),
        };
        let mut report = self.report(wants(&asked));
        report.asked(None, &asked);
        report.over(Some(why.to_owned()));
        let mut response = plain(status, why);
        let (name, value) = lock.challenge();
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        asked.answer(response).await;
        None
    }

    /// Whether what is relayed unread would pass a lock unasked.
    pub(in crate::net) fn is_locked_unread(&self) -> bool {
        self.shared.auth.is_some() && matches!(self.route, Route::Reverse(_))
    }
}

const PROXY: &str = "this proxy wants the user and password of its --auth";
const SERVER: &str = "the proxy in front of this server wants the user and password of its --auth";
