-- Stands in for Citus, of which tests have none: a distributed table becomes a partitioned one, and a partition is what
-- a shard is there. PostgreSQL itself then demands that each key of the table contains the column it is spread by, and
-- a plan shows which shards a statement reads. A reference table stays as it is. Each call leaves a row where Citus does.

create table pg_dist_partition (
    logicalrelid regclass primary key,
    partmethod "char" not null,
    partkey text,
    colocationid integer not null
);

create function create_reference_table(table_name regclass) returns void language plpgsql as $$
begin
    if exists (select 1 from pg_dist_partition where logicalrelid = table_name) then
        raise exception 'table "%" is already distributed', table_name;
    end if;
    insert into pg_dist_partition values (table_name, 'n', null, 0);
end
$$;

create function create_distributed_function(function_name regprocedure) returns void language sql as $$ $$;

create function create_distributed_table(
    table_name regclass, distribution_column text, colocate_with text default 'default'
) returns void language plpgsql as $$
declare
    name text := table_name;
    names text[];
    definitions text[];
    place integer;
    column_type oid := (
        select atttypid from pg_attribute
        where attrelid = table_name and attname = distribution_column and not attisdropped
    );
begin
    if exists (select 1 from pg_dist_partition where logicalrelid = table_name) then
        raise exception 'table "%" is already distributed', name;
    end if;
    if column_type is null then
        raise exception 'column "%" of relation "%" does not exist', distribution_column, name;
    end if;
    if colocate_with in ('none', 'default') then
        select coalesce(max(colocationid), 0) + 1 into place from pg_dist_partition;
    else
        select d.colocationid into place
        from pg_dist_partition as d
        inner join pg_attribute as a on d.logicalrelid = a.attrelid and d.partkey = a.attname
        where d.logicalrelid = colocate_with::regclass and d.partmethod = 'h' and a.atttypid = column_type;
        if place is null then
            raise exception 'cannot colocate tables % and %', colocate_with, name;
        end if;
    end if;

    -- Views, which Citus leaves where they are, would keep the old table.
    select array_agg(c.relname order by c.oid), array_agg(pg_get_viewdef(c.oid) order by c.oid)
    into names, definitions
    from pg_class as c
    where c.relkind = 'v' and c.relnamespace = current_schema()::regnamespace;
    for view in 1..coalesce(cardinality(names), 0) loop
        execute format('drop view if exists %I cascade', names[view]);
    end loop;

    execute format('alter table %I rename to spread_now', name);
    execute format('create table %I (like spread_now including all) partition by hash (%I)', name, distribution_column);
    for shard in 0..1 loop
        execute format(
            'create table %I partition of %I for values with (modulus 2, remainder %s)', name || '_' || shard, name, shard
        );
    end loop;
    execute format('insert into %I select * from spread_now', name);
    drop table spread_now;
    for view in 1..coalesce(cardinality(names), 0) loop
        execute format('create view %I as %s', names[view], definitions[view]);
    end loop;
    insert into pg_dist_partition values (name::regclass, 'h', distribution_column, place);
end
$$;
