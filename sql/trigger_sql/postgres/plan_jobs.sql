-- Written for PostgreSQL: filling in a text takes lambdas and zipped lists in DuckDB, an ordered sum of texts here.
-- Plans the staged executions: a job for everybody in the audience, numbered in its order, pending with what it will
-- take and cost, or filtered with the first reason there is. The template variant is the approved one for the contact's
-- country, else the one for everywhere else. Segments are the variant's, or, where variables make the text differ,
-- those of the text filled in: 160 places of the GSM 7-bit alphabet, then 153 in each of several, or 70 and 67 of
-- UCS-2; what takes two places is not split. The same rules are in trigger_core._segments.
insert into jobs (
    account,
    trigger_id,
    execution_id,
    job_id,
    contact,
    address,
    filtered_at,
    last_outcome_at,
    code,
    message,
    variant_id,
    planned_segments,
    planned_cost,
    variables
)
with variants as (
    select
        v.*,
        p.execution_id,
        array_agg(v.country) over (partition by p.execution_id) as own_countries,
        case
            when v.segments is null and v.channel = 'sms'
                then regexp_split_to_array(v.text, '\{\{ *[A-Za-z_][A-Za-z0-9_]* *\}\}')
        end as literals,
        case
            when v.segments is null and v.channel = 'sms'
                then
                    array(
                        select m.found[1]
                        from
                            regexp_matches(v.text, '\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}', 'g')
                            with ordinality as m (found, place)
                        order by m.place
                    )
        end as names
    from staged_plans as p
    inner join template_variants as v
        on p.account = v.account and p.template_key = v.template_key and p.channel = v.channel
    where v.is_approved and v.retired_at is null
),

found as (
    select
        p.account,
        p.trigger_id,
        p.execution_id,
        p.channel,
        p.variables::json as given,
        p.planned_at,
        a.place,
        a.contact,
        case when p.channel = 'email' then c.email else c.phone_number end as address,
        c.attributes,
        c.country,
        v.variant_id,
        v.segments,
        v.literals,
        v.names,
        v.variables as names_used,
        v.price,
        v.price_per,
        case
            when c.contact_id is null then 'unknown_contact'
            when
                case p.channel
                    when 'email' then c.email_opted_out
                    when 'sms' then c.sms_opted_out
                    else c.whatsapp_opted_out
                end
                then 'opted_out'
            when case when p.channel = 'email' then c.email else c.phone_number end is null then 'missing_address'
            when not case when p.channel = 'email' then c.is_email_valid else c.is_phone_number_valid end
                then 'invalid_address'
            when v.variant_id is null then 'no_approved_template'
        end as code
    from staged_plans as p
    inner join staged_audience as a on p.trigger_id = a.trigger_id
    left join contacts as c on a.contact_id = c.contact_id
    left join variants as v
        on
            p.execution_id = v.execution_id
            and (
                c.country = v.country
                or (v.country is null and not coalesce(c.country = any(v.own_countries), false))
            )
),

-- Of several contacts with one address the first that nothing else is against gets the message.
decided as (
    select
        *,
        case
            when
                code is null
                and row_number() over (partition by execution_id, address, code is null order by place) > 1
                then 'duplicate_recipient'
            else code
        end as filter_code
    from found
),

filled as (
    select
        *,
        case
            when filter_code is null and literals is not null
                then (
                    select
                        string_agg(
                            part.literal || coalesce(given ->> part.name, attributes::json ->> part.name, ''),
                            ''
                            order by part.place
                        )
                    from unnest(literals, names) with ordinality as part (literal, name, place)
                )
        end as text
    from decided
    offset 0 -- what follows names the text many times, and would fill it in each time
),

spelled as (
    select
        *,
        translate(
            text,
            E'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ'
            || E'ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€',
            ''
        ) = '' as is_gsm
    from filled
),

-- What takes two places becomes bc, everything else a; null where the text surely is one segment.
laid_out as (
    select
        *,
        case
            when length(text) <= case when is_gsm then 80 else 35 end then null
            when is_gsm then regexp_replace(regexp_replace(text, '[^\f^{}\\\[~\]|€]', 'a', 'g'), '[^a]', 'bc', 'g')
            else regexp_replace(regexp_replace(text, '[\u0001-\uFFFF]', 'a', 'g'), '[^a]', 'bc', 'g')
        end as places
    from spelled
),

counted as (
    select
        *,
        case
            when filter_code is not null then null
            when literals is null then segments
            when places is null or length(places) <= case when is_gsm then 160 else 70 end then 1
            when is_gsm then regexp_count(places, '.{0,152}[^b]')
            else regexp_count(places, '.{0,66}[^b]')
        end as planned_segments
    from laid_out
)

select
    account,
    trigger_id,
    execution_id,
    place as job_id,
    contact,
    address,
    case when filter_code is not null then planned_at end as filtered_at,
    case when filter_code is not null then planned_at end as last_outcome_at,
    filter_code as code,
    case filter_code
        when 'unknown_contact' then 'Contact is not known'
        when 'opted_out' then 'Contact opted out of this channel'
        when 'missing_address' then 'Contact has no address for this channel'
        when 'invalid_address' then 'Address is not valid'
        when 'no_approved_template'
            then
                'No approved '
                || case channel when 'email' then 'email' when 'sms' then 'SMS' else 'WhatsApp' end
                || ' template' || coalesce(' for country: ' || country, '')
        when 'duplicate_recipient' then 'Same address as an earlier contact'
    end as message,
    case when filter_code is null then variant_id end as variant_id,
    planned_segments,
    case
        when filter_code is null
            then
                least(
                    price * case when price_per = 'segment' then coalesce(planned_segments, 1) else 1 end,
                    999999999.999999
                )
    end as planned_cost,
    case when filter_code is null and names_used <> '' then attributes end as variables
from counted
order by trigger_id, execution_id, job_id
