//! The tables: medians over the rounds, ratios of medians, and which targets are met.

use std::time::Duration;

use crate::proxies::Proxy;
use crate::rows::{Row, Sample, Series, Target};

const MEBIBYTE: f64 = 1048576.0;

/// One row as Markdown: the medians, and what they are as multiples of others.
pub fn table(row: &Row, series: &[Series]) -> String {
    let measured: Vec<&Series> = series.iter().filter(|series| !series.samples.is_empty()).collect();
    let mut out = format!("### {}. {}\n", row.key, row.title);
    for one in series {
        if let Some(failure) = &one.failure {
            out += &format!("\n{} failed after {} rounds: {failure}\n", one.proxy.name(), one.samples.len());
        }
    }
    if !measured.is_empty() {
        out += &format!("\n{}\n{}", medians(row, &measured), ratios(&measured));
    }
    out
}

fn medians(row: &Row, series: &[&Series]) -> String {
    let one = if row.counts_sessions() { "session" } else { "message" };
    let mut lines =
        vec![vec!["proxy".to_owned(), format!("CPU/{one}"), "spread".to_owned(), format!("{one}s/s")]];
    lines[0].extend(["p50", "p99", "memory", "load's CPU"].map(str::to_owned));
    for one in series {
        let memory = match (one.proxy, row.is_idle()) {
            (Proxy::Direct, _) => "-".to_owned(),
            (_, true) => show(bytes_per_session(one), |bytes| format!("{:.1} KiB each", bytes / 1024.0)),
            (_, false) => format!("{:.1} MiB ({:+.1})", one.memory / MEBIBYTE, one.growth / MEBIBYTE),
        };
        lines.push(vec![
            one.proxy.name().to_owned(),
            show(cpu(one), time),
            show(spread(one), |part| format!("±{:.0} %", part * 50.0)),
            show(rate(one), |rate| format!("{rate:.0}")),
            show(p50(one), time),
            show(p99(one), time),
            memory,
            show(median(one, |sample| per_message(sample, sample.load_cpu)), time),
        ]);
    }
    aligned(&lines)
}

/// A median over the rounds, where there is one.
type Metric = fn(&Series) -> Option<f64>;

fn ratios(series: &[&Series]) -> String {
    let metrics: [(&str, Metric); 5] =
        [("CPU", cpu), ("throughput", rate), ("p50", p50), ("p99", p99), ("memory", bytes_per_session)];
    let mut lines = vec![vec!["ratio of medians".to_owned()]];
    lines.extend(series.iter().map(|one| vec![one.proxy.name().to_owned()]));
    for (name, of) in metrics {
        for base in [Proxy::Copy, Proxy::Sockeye, Proxy::Haproxy] {
            let Some(base_value) = series.iter().find(|one| one.proxy == base).and_then(|base| of(base))
            else {
                continue;
            };
            lines[0].push(format!("{name} ÷ {}", base.name()));
            for (line, one) in lines[1..].iter_mut().zip(series) {
                line.push(show(of(one), |value| format!("{:.2}", value / base_value)));
            }
        }
    }
    aligned(&lines)
}

/// A line for each target.
pub fn targets(rows: &[(Row, Vec<Series>)]) -> String {
    let mut lines = vec![["row", "what", "target", "measured", "met"].map(str::to_owned).to_vec()];
    for (row, series) in rows {
        lines.extend(row.targets.iter().map(|&target| target_line(row, target, series)));
    }
    format!("### Targets for sockeye\n\n{}", aligned(&lines))
}

fn target_line(row: &Row, target: Target, series: &[Series]) -> Vec<String> {
    let (what, most, unit) = match target {
        Target::CpuOfHaproxy(most) => ("CPU time, of haproxy's", most, "x"),
        Target::ArmedOfSockeye(most) => ("CPU time with a rule about a word, of that without", most, "x"),
        Target::ArmedFieldOfSockeye(most) => {
            ("CPU time with a rule about a field, of that without", most, "x")
        }
        Target::AddedLatencyOfCopy(most) => ("added p50, of the TCP copy's", most, "x"),
        Target::LatencyOfCopy(most) => ("whole p50, of the TCP copy's", most, "x"),
        Target::BytesPerSession(most) => ("memory of a session", most / 1024.0, " KiB"),
    };
    let measured = achieved(target, series);
    let met = match measured {
        Some(measured) if measured <= most => "yes",
        Some(_) => "no",
        None => "not measured",
    };
    let measured = show(measured, |value| format!("{value:.2}{unit}"));
    vec![row.key.to_owned(), what.to_owned(), format!("at most {most}{unit}"), measured, met.to_owned()]
}

fn achieved(target: Target, series: &[Series]) -> Option<f64> {
    let of = |proxy: Proxy| series.iter().find(|series| series.proxy == proxy);
    let sockeye = of(Proxy::Sockeye)?;
    match target {
        Target::CpuOfHaproxy(_) => Some(cpu(sockeye)? / cpu(of(Proxy::Haproxy)?)?),
        Target::ArmedOfSockeye(_) => Some(cpu(of(Proxy::Armed)?)? / cpu(sockeye)?),
        Target::ArmedFieldOfSockeye(_) => Some(cpu(of(Proxy::ArmedField)?)? / cpu(sockeye)?),
        Target::AddedLatencyOfCopy(_) => {
            let direct = p50(of(Proxy::Direct)?)?;
            let of_copy = p50(of(Proxy::Copy)?)? - direct;
            // Where the copy adds nothing, its multiples say nothing.
            (of_copy > 0.0).then_some((p50(sockeye)? - direct) / of_copy)
        }
        Target::LatencyOfCopy(_) => Some(p50(sockeye)? / p50(of(Proxy::Copy)?)?),
        Target::BytesPerSession(_) => Some(bytes_per_session(sockeye)? / 1024.0),
    }
}

fn cpu(series: &Series) -> Option<f64> {
    median(series, |sample| per_message(sample, sample.cpu)).filter(|seconds| *seconds > 0.0)
}

fn rate(series: &Series) -> Option<f64> {
    median(series, |sample| sample.outcome.count as f64 / sample.outcome.elapsed.as_secs_f64())
}

fn p50(series: &Series) -> Option<f64> {
    median(series, |sample| sample.outcome.p50.as_secs_f64()).filter(|seconds| *seconds > 0.0)
}

fn p99(series: &Series) -> Option<f64> {
    median(series, |sample| sample.outcome.p99.as_secs_f64()).filter(|seconds| *seconds > 0.0)
}

fn bytes_per_session(series: &Series) -> Option<f64> {
    median(series, |sample| sample.bytes_per_session).filter(|bytes| *bytes > 0.0)
}

fn per_message(sample: &Sample, time: Duration) -> f64 {
    time.as_secs_f64() / sample.outcome.count as f64
}

/// How far the rounds lie apart in CPU time, as a part of the median.
fn spread(series: &Series) -> Option<f64> {
    let values = || series.samples.iter().map(|sample| per_message(sample, sample.cpu));
    let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    cpu(series).map(|median| (most - least) / median)
}

fn median(series: &Series, of: impl Fn(&Sample) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = series.samples.iter().map(of).filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

fn show(value: Option<f64>, how: impl Fn(f64) -> String) -> String {
    value.filter(|value| *value != 0.0).map_or("-".to_owned(), how)
}

fn time(seconds: f64) -> String {
    match seconds * 1e6 {
        micros if micros < 1.0 => format!("{:.0} ns", micros * 1e3),
        micros if micros < 1000.0 => format!("{micros:.2} µs"),
        micros => format!("{:.2} ms", micros / 1e3),
    }
}

/// A Markdown table that is also good to look at in a terminal; the first line is its header.
fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let row = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| format!("{}:", "-".repeat(width - 1))).collect();
    lines[..1].iter().chain([&rule]).chain(&lines[1..]).map(|cells| row(cells)).collect()
}
