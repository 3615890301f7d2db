//! Delays messages.

use std::time::Duration;

use super::prelude::*;
use crate::rules::file::{Value, Wrong};

pub(super) const FAULT: Fault = Fault {
    name: "delay",
    options: &[],
    on: &[Occasion::Message, Occasion::Handshake],
    forms: &[
        (r#"delay = "200ms""#, "it, and what is behind it, goes on so much later"),
        (r#"delay = ["100ms", "2s"]"#, "as long as chance says, between the two"),
        (r#"delay = { mean = "200ms", deviation = "50ms" }"#, "of a normal distribution"),
        (r#"delay = { exponential = "200ms" }"#, "of an exponential distribution with this mean"),
    ],
    example: Example {
        rule: r#"when = 'path:/chat'
then = { delay = ["100ms", "300ms"] }"#,
        given: server("hello"),
    },
    read: |arguments| Ok(Box::new(Delay { by: distribution(&arguments.main)? })),
};

#[derive(Debug)]
struct Delay {
    by: Distribution,
}

#[derive(Debug)]
enum Distribution {
    Always(Duration),
    Between(Duration, Duration),
    Normal { mean: Duration, deviation: Duration },
    Exponential(Duration),
}

fn distribution(value: &Value) -> Result<Distribution, Wrong> {
    const SUCH_AS: &str = "{ mean = \"200ms\", deviation = \"50ms\" }";
    if let Some(list) = value.list() {
        return match &list[..] {
            [least, most] => {
                let (least, most) = (least.duration()?, most.duration()?);
                if least > most {
                    return Err(value.wrong("the shorter delay comes first"));
                }
                Ok(Distribution::Between(least, most))
            }
            _ => Err(value.wrong("delay takes two times in a list: [\"100ms\", \"2s\"]")),
        };
    }
    if !value.is_table() {
        return value.duration().map(Distribution::Always);
    }
    let entries = value.entries(SUCH_AS)?;
    let named: Vec<(&str, &Value)> = entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
    match named[..] {
        [("deviation", deviation), ("mean", mean)] => {
            Ok(Distribution::Normal { mean: mean.duration()?, deviation: deviation.duration()? })
        }
        [("exponential", mean)] => Ok(Distribution::Exponential(mean.duration()?)),
        _ => Err(value.wrong(&format!("delay takes {SUCH_AS}, or {{ exponential = \"200ms\" }}"))),
    }
}

impl Distribution {
    fn draw(&self, random: &mut Random) -> Duration {
        let seconds = match self {
            Distribution::Always(delay) => return *delay,
            Distribution::Between(least, most) => {
                return *least + (*most - *least).mul_f64(random.fraction());
            }
            Distribution::Normal { mean, deviation } => {
                mean.as_secs_f64() + deviation.as_secs_f64() * random.normal()
            }
            Distribution::Exponential(mean) => mean.as_secs_f64() * random.exponential(),
        };
        // To the past there is no way.
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
    }
}

impl Act for Delay {
    fn message(&self, moment: &mut Moment) {
        let delay = self.by.draw(moment.random);
        moment.effects.push(Effect::Delay(delay));
    }

    fn handshake(&self, random: &mut Random) -> Vec<HandshakeEdit> {
        vec![HandshakeEdit::Delay(self.by.draw(random))]
    }
}
