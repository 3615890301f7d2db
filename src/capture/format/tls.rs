//! What TLS agreed on, to bytes and back: one octet where there is nothing to say.

use std::sync::Arc;

use super::{Decoder, Encoder};
use crate::capture::tls::{Certificate, CertificateRequest, Leg, Tls, Verified};

/// In the first octet: TLS was spoken with the client, with the server, and any of it is known at all.
const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const KNOWN: u8 = 4;

impl Encoder<'_> {
    pub(super) fn tls(&mut self, tls: Option<&Tls>) {
        let Some(tls) = tls else { return self.0.push(0) };
        let client = if tls.client.is_some() { CLIENT } else { 0 };
        let server = if tls.server.is_some() { SERVER } else { 0 };
        self.0.push(KNOWN | client | server);
        [&tls.client, &tls.server].into_iter().flatten().for_each(|leg| self.leg(leg));
    }

    fn leg(&mut self, leg: &Leg) {
        for text in [&leg.version, &leg.suite, &leg.server_name, &leg.alpn] {
            self.text_or_none(text.as_deref());
        }
        self.texts(&leg.offered);
        match &leg.verified {
            Verified::No => self.number(0),
            Verified::Yes => self.number(1),
            Verified::Fault(fault) => {
                self.number(2);
                self.text(fault);
            }
        }
        self.number(match leg.asked {
            CertificateRequest::None => 0,
            CertificateRequest::Answered => 1,
            CertificateRequest::Unanswered => 2,
        });
        self.duration(leg.took);
        self.chain(&leg.chain);
        self.chain(&leg.own_chain);
    }

    fn chain(&mut self, chain: &[Certificate]) {
        self.number(chain.len() as u64);
        for certificate in chain {
            let Certificate { subject, issuer, names, not_before, not_after, key, serial, sha256 } =
                certificate;
            [subject, issuer, key, serial, sha256].into_iter().for_each(|text| self.text(text));
            self.texts(names);
            [*not_before, *not_after].into_iter().for_each(|seconds| self.signed(seconds));
        }
    }

    fn text_or_none(&mut self, text: Option<&str>) {
        self.number(text.is_some().into());
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// The sign in the lowest bit, so that small numbers are short on either side of zero.
    fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)) as u64);
    }
}

impl Decoder<'_> {
    pub(super) fn tls(&mut self) -> Option<Option<Arc<Tls>>> {
        let legs = self.octet()?;
        if legs == 0 {
            return Some(None);
        }
        let client = if legs & CLIENT != 0 { Some(self.leg()?) } else { None };
        let server = if legs & SERVER != 0 { Some(self.leg()?) } else { None };
        Some(Some(Arc::new(Tls { client, server })))
    }

    fn leg(&mut self) -> Option<Leg> {
        Some(Leg {
            version: self.text_or_none()?,
            suite: self.text_or_none()?,
            server_name: self.text_or_none()?,
            alpn: self.text_or_none()?,
            offered: self.texts()?,
            verified: match self.number()? {
                0 => Verified::No,
                1 => Verified::Yes,
                _ => Verified::Fault(self.text()?),
            },
            asked: match self.number()? {
                0 => CertificateRequest::None,
                1 => CertificateRequest::Answered,
                _ => CertificateRequest::Unanswered,
            },
            took: self.duration()?,
            chain: self.chain()?,
            own_chain: self.chain()?,
        })
    }

    fn chain(&mut self) -> Option<Arc<[Certificate]>> {
        (0..self.number()?).map(|_| self.certificate()).collect()
    }

    fn certificate(&mut self) -> Option<Certificate> {
        Some(Certificate {
            subject: self.text()?,
            issuer: self.text()?,
            key: self.text()?,
            serial: self.text()?,
            sha256: self.text()?,
            names: self.texts()?,
            not_before: self.signed()?,
            not_after: self.signed()?,
        })
    }

    fn text_or_none(&mut self) -> Option<Option<String>> {
        Some(match self.number()? {
            0 => None,
            _ => Some(self.text()?),
        })
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
}
