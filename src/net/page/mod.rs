//! The proxy's own page: its CA to be had, and how to trust it. It is at `http://sockeye.local/` for clients that use
//! the proxy, and at the listener's own address for those that do not yet.

mod answer;

use http::{StatusCode, header};

use super::accept::Asked;
use super::exchange::Kind;
use super::guard::{Stranger, stranger};
use super::serve::{Route, Serving};
use super::target::{Authority, absolute};
use answer::{Answer, PATHS, answer, refusal};

/// The page's host. No name service is asked for it.
const HOST: &str = "sockeye.local";
const PORT: u16 = 80;

/// Whether the proxy itself is meant: nothing of that name is dialled.
pub(super) fn is_own(authority: &Authority) -> bool {
    authority.host.eq_ignore_ascii_case(HOST)
}

/// Whether that is where the page is.
pub(super) fn is_here(authority: &Authority) -> bool {
    is_own(authority) && authority.port == PORT && !authority.secure
}

/// What is answered where it is not.
pub(super) const ELSEWHERE: &str =
    "sockeye.local is this proxy's own page, and only at http://sockeye.local/";

fn own() -> Authority {
    Authority { secure: false, host: HOST.to_owned(), port: PORT, socket: None }
}

impl Serving {
    /// Whether a request is for the page, and not for a server.
    pub(super) fn is_for_page(&self, asked: &Asked) -> bool {
        match self.route {
            Route::Own => true,
            Route::Forward => match absolute(&asked.parts.uri.to_string()) {
                Some((authority, _)) => is_own(&authority),
                // Whoever opens a session here took the proxy for a server, and is told so.
                None => {
                    !asked.parts.headers.contains_key(header::UPGRADE)
                        && PATHS.contains(&asked.parts.uri.path())
                }
            },
            Route::Reverse(_) | Route::Tunnel(_) => false,
        }
    }

    /// Answers a request for the page, and ends the connection. It is listed as any other exchange.
    pub(super) async fn page(&self, asked: Asked) {
        let mut report = self.report(Kind::Plain);
        report.asked(Some(&own()), &asked);
        let (answer, fault) = self.page_answer(&asked);
        let mut client = asked.take_over();
        report.answered(&answer.head, &answer.body);
        report.over(fault.map(str::to_owned));
        if client.tell(&[answer.head, answer.body].concat()).await {
            client.linger().await;
        }
    }

    /// The answer, and why it is not the page, where it is not.
    fn page_answer(&self, asked: &Asked) -> (Answer, Option<&'static str>) {
        let (method, uri) = (&asked.parts.method, &asked.parts.uri);
        let named = absolute(&uri.to_string()).map(|(authority, _)| authority);
        let is_origin_form = named.is_none() && matches!(self.route, Route::Forward);
        let names: &[&str] = if is_origin_form { &[] } else { &[HOST] };
        let refused = if named.is_some_and(|authority| !is_here(&authority)) {
            Some((StatusCode::NOT_FOUND, ELSEWHERE))
        } else {
            match stranger(&asked.parts.headers, names) {
                Some(Stranger::Host) => Some((StatusCode::MISDIRECTED_REQUEST, BY_ANOTHER_NAME)),
                Some(Stranger::Page) => Some((StatusCode::FORBIDDEN, BY_ANOTHER_PAGE)),
                None => None,
            }
        };
        match refused {
            Some((status, why)) => (refusal(method, status, why), Some(why)),
            None => {
                let ca = self.shared.opener.as_ref().map(|opener| opener.authority());
                (answer(method, uri.path(), ca), None)
            }
        }
    }
}

const BY_ANOTHER_NAME: &str = "the Host is no name of this proxy, and its page is not shown under a name that anybody \
    could have made: ask for it by its address, such as http://127.0.0.1:8080/";
const BY_ANOTHER_PAGE: &str = "another web page asked for this one: open it yourself";
