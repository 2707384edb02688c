-- Of two outcomes of one job, kind and time the one whose canonical JSON is smaller is shown. The texts are built from
-- the members that can differ, in the order of their keys.
update changed_outcomes
set is_shown = true
from jobs as j
where
    changed_outcomes.is_tied
    and changed_outcomes.trigger_id = j.trigger_id
    and changed_outcomes.execution_id = j.execution_id
    and changed_outcomes.job_id = j.job_id
    and case changed_outcomes.outcome
        when 'filtered' then '"code":' || to_json(changed_outcomes.code)::varchar || ','
        else ''
    end
    || coalesce('"cost":"' || changed_outcomes.cost::varchar || '",', '')
    || case changed_outcomes.outcome
        when 'failed'
            then
                '"error":{"code":' || to_json(changed_outcomes.code)::varchar
                || ',"message":' || to_json(changed_outcomes.message)::varchar || '},'
        else ''
    end
    || '"execution_id'
    || coalesce(',"provider":' || to_json(changed_outcomes.provider)::varchar, '')
    || coalesce(',"provider_message_id":' || to_json(changed_outcomes.provider_message_id)::varchar, '')
    || case changed_outcomes.outcome
        when 'filtered' then ',"reason":' || to_json(changed_outcomes.message)::varchar
        else ''
    end
    || coalesce(',"segments":' || changed_outcomes.segments::varchar, '')
    || '}'
    < case changed_outcomes.outcome
        when 'filtered' then '"code":' || to_json(j.code)::varchar || ','
        else ''
    end
    || coalesce('"cost":"' || j.cost::varchar || '",', '')
    || case changed_outcomes.outcome
        when 'failed'
            then
                '"error":{"code":' || to_json(j.code)::varchar
                || ',"message":' || to_json(j.message)::varchar || '},'
        else ''
    end
    || '"execution_id'
    || coalesce(',"provider":' || to_json(j.provider)::varchar, '')
    || coalesce(',"provider_message_id":' || to_json(j.provider_message_id)::varchar, '')
    || case changed_outcomes.outcome
        when 'filtered' then ',"reason":' || to_json(j.message)::varchar
        else ''
    end
    || coalesce(',"segments":' || j.segments::varchar, '')
    || '}'
