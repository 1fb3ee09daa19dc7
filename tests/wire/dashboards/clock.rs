//! Buckets of time zones, where clocks are changed.

use observa_tests::Database;
use observa_tests::event::llm_call;

#[test]
fn a_day_has_the_hours_that_its_clock_shows() {
    let mut db = Database::ready();
    // Europe/Berlin: 29 March 2037 has 23 hours, 25 October 2037 has 25.
    for (day, hours) in [("2037-03-29", 23), ("2037-10-25", 25), ("2037-06-01", 24)] {
        let (since, until) = (
            format!("('{day}'::timestamp AT TIME ZONE 'Europe/Berlin')"),
            format!("(('{day}'::timestamp + interval '1 day') AT TIME ZONE 'Europe/Berlin')"),
        );
        let count = |unit: &str| {
            format!(
                "observa.dashboard_time_series('{unit}', since => {since}, until => {until}, time_zone => 'Europe/Berlin')"
            )
        };
        assert_eq!(db.count(&count("hour")), hours, "{day}");
        assert_eq!(db.count(&count("day")), 1, "{day}");
    }
    // Beirut's clock is changed at midnight, Lord Howe's by half an hour; each day and hour is there once.
    for (zone, since, until, unit, buckets) in [
        ("Asia/Beirut", "2037-03-27 22:00Z", "2037-03-30 21:00Z", "day", 3),
        ("Australia/Lord_Howe", "2037-04-03 13:00Z", "2037-04-05 13:30Z", "day", 2),
    ] {
        let found = db.count(&format!("(SELECT DISTINCT bucket_start FROM observa.dashboard_time_series('{unit}', since => '{since}', until => '{until}', time_zone => '{zone}')) b"));
        assert_eq!(found, buckets, "{zone}");
    }
}

/// When a zone's clock was changed in the last year.
fn changes(db: &mut Database, zone: &str) -> Vec<String> {
    let ahead = |time: &str| format!("(({time}) AT TIME ZONE '{zone}') - (({time}) AT TIME ZONE 'UTC')");
    let (now, before) = (ahead("t"), ahead("t - interval '1 hour'"));
    db.one(&format!(
        "SELECT coalesce(array_agg(t::text), '{{}}') FROM generate_series(date_trunc('hour', now()) - interval '380 days', date_trunc('hour', now()) - interval '5 days', interval '1 hour') t
          WHERE {now} <> {before}"
    ))
}

/// Rollups of an event a quarter of an hour around a time.
fn put_events_around(db: &mut Database, time: &str) {
    db.run(&format!(
        "TRUNCATE observa_internal.metric_totals;
         INSERT INTO observa_internal.metric_totals (tenant_id, resolution, bucket, project_id, environment, event_type, events, errors, timeouts, billable, priced,
                input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, total_tokens, cost_usd, coherence_sum, coherence_count,
                toxicity_sum, toxicity_count, hallucination_risk_sum, hallucination_risk_count)
         SELECT p.tenant_id, r.resolution, date_trunc(r.resolution, t, 'UTC'), p.project_id, 'prod', 'llm_call', count(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
           FROM (SELECT tenant_id, project_id FROM observa_internal.projects LIMIT 1) p, unnest(ARRAY['minute', 'hour', 'day', 'week']) r (resolution),
                generate_series('{time}'::timestamptz - interval '3 days', '{time}'::timestamptz + interval '4 days', interval '15 minutes') t
          GROUP BY 1, 2, 3, 4"
    ));
}

#[test]
fn buckets_are_those_of_the_clock_where_it_is_changed_and_none_is_lost() {
    let mut db = Database::ready();
    db.ingest(&llm_call("e").to_string());
    db.run("SET observa.metrics_minute_days = 400; SET observa.metrics_hour_days = 400");
    let mut asked = 0;
    // The clocks of the last four are changed at midnight.
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Africa/Cairo",
        "America/Havana",
        "Atlantic/Azores",
        "Asia/Beirut",
    ] {
        for change in changes(&mut db, zone) {
            asked += 1;
            put_events_around(&mut db, &change);
            for unit in ["day", "week", "month"] {
                for (hours, long) in [(-30, 40), (-1, 3), (0, 3), (1, 30), (10, 24), (33, 20)] {
                    assert_buckets(&mut db, zone, &change, unit, hours, long);
                }
            }
        }
    }
    // A country may have given it up.
    assert!(asked >= 6, "{asked}");
    let nowhere = "SELECT * FROM observa.dashboard_time_series('day', since => now(), until => now(), time_zone => 'Nowhere/No')";
    assert_eq!(db.error(nowhere).code().code(), "22023");
    // The last whole year of microseconds since 1970.
    for (unit, zone) in [("day", "Pacific/Auckland"), ("week", "America/Los_Angeles"), ("month", "UTC")] {
        let last = format!(
            "observa.dashboard_time_series('{unit}', since => '294246-12-30', until => '294246-12-31', time_zone => '{zone}')"
        );
        assert!((1..=3).contains(&db.count(&last)), "{unit}");
    }
    let all_times = "SELECT * FROM observa.dashboard_time_series('hour', since => '4000-01-01 BC', until => '294200-01-01')";
    assert_eq!(db.error(all_times).code().code(), "22023");
}

/// Of a window that begins so many hours after a change of the clock: the buckets hold what the window has, each begins when the clock first shows
/// its day, week or month, and none is left out.
fn assert_buckets(db: &mut Database, zone: &str, change: &str, unit: &str, hours: i64, long: i64) {
    let since = format!("'{change}'::timestamptz + interval '{hours} hours'");
    let window = format!("since => {since}, until => {since} + interval '{long} hours'");
    let of = format!("{zone} {unit} {window}");
    let series = format!("observa.dashboard_time_series('{unit}', {window}, time_zone => '{zone}')");
    let counted: i64 = db.one(&format!("SELECT events FROM observa.overview_rows({window})"));
    assert_eq!(counted, long * 4, "{of}");
    assert_eq!(db.one::<i64>(&format!("SELECT sum(events)::bigint FROM {series}")), counted, "{of}");
    let shown = |time: &str| format!("date_trunc('{unit}', ({time}) AT TIME ZONE '{zone}')");
    let (at, next, first) = (shown("b.at"), shown("b.next"), shown(&since));
    let wrong = format!(
        "(SELECT bucket_start AS at, lead(bucket_start) OVER (ORDER BY bucket_start) AS next, row_number() OVER (ORDER BY bucket_start) AS place FROM {series}) b
          WHERE {at} = {before} OR {next} <> {at} + interval '1 {unit}' OR (b.place = 1 AND (b.at > {since} OR {at} <> {first}))",
        before = shown("b.at - interval '1 microsecond'"),
    );
    assert_eq!(db.count(&wrong), 0, "{of}");
}
