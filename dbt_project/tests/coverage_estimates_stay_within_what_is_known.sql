-- D6: an estimate and its interval lie between the readers seen and what was sent, coverage and
-- open rate tell of the same readers, and too small a sample shows nothing.
select
    stratum,
    stratum_value
from {{ ref('tracking_coverage') }}
where
    (status = 'estimated') != (both_count >= {{ var('coverage_minimum_both') }})
    or (status = 'estimated') != (estimated_open_rate is not null)
    or (
        status = 'estimated'
        and not (
            seen_count <= estimated_open_rate_low * tracked_count + 0.000001
            and estimated_open_rate_low <= estimated_open_rate
            and estimated_open_rate <= estimated_open_rate_high
            and estimated_open_rate_high <= 1
            and coverage_low <= coverage_rate
            and coverage_rate <= coverage_high
            and coverage_high <= 1
            and abs(coverage_rate * readers_estimate - opened_count) < 0.000001
        )
    )
