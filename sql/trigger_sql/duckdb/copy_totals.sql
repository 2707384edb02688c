-- How many triggers and jobs there are, and how many jobs workers have in hand.
select
    (select count(*) from triggers) as triggers,
    (select count(*) from jobs) as jobs,
    (select coalesce(sum(last_job_id - first_job_id + 1), 0)::bigint from claims) as in_hand
