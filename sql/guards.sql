-- What keeps the books as they are, and the sequences as a DBA set them.
create or replace trigger immutable before update or delete or truncate on journal
for each statement execute function refuse_change();
create or replace trigger immutable before update or delete or truncate on account_state
for each statement execute function refuse_change();
create or replace trigger immutable before update or delete or truncate on pending_hold
for each statement execute function refuse_change();
create or replace trigger immutable before update or delete or truncate on waypoint
for each statement execute function refuse_change();
-- A statement on a parent table fires the row triggers of its children only.
create or replace trigger immutable_row before update or delete on journal
for each row execute function refuse_change();
create or replace trigger immutable_row before update or delete on account_state
for each row execute function refuse_change();
create or replace trigger immutable_row before update or delete on pending_hold
for each row execute function refuse_change();
create or replace trigger immutable_row before update or delete on waypoint
for each row execute function refuse_change();
alter table journal enable always trigger immutable, enable always trigger immutable_row;
alter table account_state enable always trigger immutable, enable always trigger immutable_row;
alter table pending_hold enable always trigger immutable, enable always trigger immutable_row;
alter table waypoint enable always trigger immutable, enable always trigger immutable_row;

-- Every connection learns that these books have become a cluster's.
create or replace trigger changed after insert or update or delete or truncate on cluster
for each statement execute function cluster_changed();
alter table cluster enable always trigger changed;

create or replace trigger apply after insert or update on sequence_setting
for each row execute function apply_sequence_setting();
alter table sequence_setting enable always trigger apply;

create event trigger tokpay_sequence_settings on ddl_command_end when tag in ('ALTER SEQUENCE')
execute function keep_sequence_settings();
