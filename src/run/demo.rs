//! `sockeye demo`: something to look at.

use sockeye::demo::{Demo, Rounds};
use sockeye::headless::text::Style;
use sockeye::net::{Entrance, Listen, ProxyConfig, Target};

use super::proxy::{Running, heed_signals, shows_screen};
use super::rules::Rules;
use super::{Failure, UNREACHABLE};
use crate::cli::DemoOptions;

/// Runs the demo: on the screen until the user leaves, else one round of it.
pub fn demo(options: DemoOptions) -> Result<(), Failure> {
    let failed = |error| Failure::new(UNREACHABLE, format_args!("cannot start the demo: {error}"));
    let demo = Demo::start().map_err(failed)?;
    let target: Target =
        format!("ws://{}", demo.target()).parse().map_err(|error| Failure::new(UNREACHABLE, error))?;
    let config = ProxyConfig {
        listeners: vec![Listen::new(options.listen, Entrance::Reverse(target))],
        ..ProxyConfig::default()
    };
    let rules = Rules::of(&options.rules, &options.output)?;
    let signals = heed_signals(&options.output)?;
    let running = Running::start(config, options.log, rules)?;
    let recorder = running.record(&options.output)?;
    let rounds = if shows_screen(&options.output) { Rounds::Forever } else { Rounds::Once { tempo: 1.0 } };
    let mut playing = demo.play(running.proxy.address(), rounds).map_err(failed)?;
    let mut played = Ok(());
    let output = running.look(&options.output, Style::for_stdout(), || {
        played = signals.map_or(Ok(()), |signals| signals.wait_or(playing.over()));
        Ok(())
    })?;
    drop(playing);
    running.finish(output, recorder);
    played.map_err(|error| Failure::new(UNREACHABLE, format_args!("the demo was interrupted: {error}")))
}
