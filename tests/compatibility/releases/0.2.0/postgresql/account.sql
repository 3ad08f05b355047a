CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);

CREATE TABLE public.deliveries (
    seq bigint NOT NULL,
    delivery_id text NOT NULL,
    caller text NOT NULL,
    request_id text NOT NULL,
    content_hash bytea NOT NULL,
    rpc text NOT NULL,
    payload bytea NOT NULL,
    ordering_key text NOT NULL,
    ordering_group text NOT NULL,
    member_id text,
    order_ids text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    failures integer NOT NULL,
    retry_start_time_ms bigint NOT NULL,
    last_error bytea,
    results bytea,
    create_time_ms bigint NOT NULL,
    last_attempt_time_ms bigint,
    next_attempt_time_ms bigint,
    finish_time_ms bigint,
    lease_expire_time_ms bigint NOT NULL,
    lease_holder text,
    outcome_unknown boolean NOT NULL,
    CONSTRAINT ck_deliveries_state CHECK ((state = ANY (ARRAY['PENDING'::text, 'DELIVERED'::text, 'DEAD'::text, 'CANCELLED'::text])))
);
ALTER TABLE ONLY public.deliveries ALTER COLUMN content_hash SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN payload SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN ordering_key SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN ordering_group SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN member_id SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN order_ids SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN last_error SET STATISTICS 0;
ALTER TABLE ONLY public.deliveries ALTER COLUMN results SET STATISTICS 0;

CREATE SEQUENCE public.deliveries_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.deliveries_seq_seq OWNED BY public.deliveries.seq;

CREATE TABLE public.delivery_heads (
    ordering_group text NOT NULL,
    seq bigint NOT NULL,
    rpc text NOT NULL,
    caller text NOT NULL,
    due_time_ms bigint NOT NULL,
    turn bigint NOT NULL
);
ALTER TABLE ONLY public.delivery_heads ALTER COLUMN ordering_group SET STATISTICS 0;

CREATE TABLE public.full_order_syncs (
    kind text NOT NULL,
    id text NOT NULL,
    sync_id text NOT NULL,
    content_hash bytea,
    expire_time_ms bigint NOT NULL
);
ALTER TABLE ONLY public.full_order_syncs ALTER COLUMN id SET STATISTICS 0;

CREATE TABLE public.full_orders (
    kind text NOT NULL,
    id text NOT NULL,
    national_order_id text NOT NULL,
    member_id text,
    payload bytea NOT NULL,
    revision text NOT NULL,
    update_time_ms bigint NOT NULL
);
ALTER TABLE ONLY public.full_orders ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY public.full_orders ALTER COLUMN national_order_id SET STATISTICS 0;
ALTER TABLE ONLY public.full_orders ALTER COLUMN member_id SET STATISTICS 0;
ALTER TABLE ONLY public.full_orders ALTER COLUMN payload SET STATISTICS 0;

CREATE TABLE public.idempotency_keys (
    caller text NOT NULL,
    rpc text NOT NULL,
    request_id text NOT NULL,
    resource_id text,
    content_hash bytea NOT NULL,
    state text NOT NULL,
    response bytea,
    holder text NOT NULL,
    start_time_ms bigint NOT NULL,
    expire_time_ms bigint NOT NULL,
    CONSTRAINT ck_idempotency_keys_state CHECK ((state = ANY (ARRAY['RUNNING'::text, 'SUCCEEDED'::text, 'UNKNOWN'::text, 'NOT_EXECUTED'::text])))
);
ALTER TABLE ONLY public.idempotency_keys ALTER COLUMN response SET STATISTICS 0;

CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    expire_time_ms bigint NOT NULL
);

CREATE TABLE public.message_heads (
    subscription_id bigint NOT NULL,
    ordering_key text NOT NULL,
    event_time_ms bigint NOT NULL,
    message_seq bigint NOT NULL
);

CREATE TABLE public.message_identities (
    identity bytea NOT NULL,
    receive_time_ms bigint NOT NULL
);

CREATE TABLE public.messages (
    seq bigint NOT NULL,
    message_id text NOT NULL,
    topic text NOT NULL,
    ordering_key text NOT NULL,
    event_time_ms bigint NOT NULL,
    receive_time_ms bigint NOT NULL,
    member_id text NOT NULL,
    raw bytea NOT NULL
);
ALTER TABLE ONLY public.messages ALTER COLUMN member_id SET STATISTICS 0;
ALTER TABLE ONLY public.messages ALTER COLUMN raw SET STATISTICS 0;

CREATE SEQUENCE public.messages_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.messages_seq_seq OWNED BY public.messages.seq;

CREATE TABLE public.store_clock (
    id integer NOT NULL,
    source_time_ms bigint NOT NULL,
    lead_ms bigint NOT NULL
);

CREATE SEQUENCE public.store_clock_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.store_clock_id_seq OWNED BY public.store_clock.id;

CREATE TABLE public.subscription_messages (
    subscription_id bigint NOT NULL,
    message_seq bigint NOT NULL,
    ordering_key text NOT NULL,
    event_time_ms bigint NOT NULL,
    attempts integer NOT NULL,
    lease_id bigint NOT NULL,
    lease_expire_time_ms bigint NOT NULL,
    dead_letter_time_ms bigint
);

CREATE TABLE public.subscriptions (
    id bigint NOT NULL,
    caller text NOT NULL,
    name text,
    topics text NOT NULL,
    start_time_ms bigint,
    create_time_ms bigint NOT NULL,
    last_used_time_ms bigint NOT NULL,
    backfill_from_seq bigint NOT NULL,
    backfill_to_seq bigint NOT NULL
);

CREATE SEQUENCE public.subscriptions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.subscriptions_id_seq OWNED BY public.subscriptions.id;

ALTER TABLE ONLY public.deliveries ALTER COLUMN seq SET DEFAULT nextval('public.deliveries_seq_seq'::regclass);

ALTER TABLE ONLY public.messages ALTER COLUMN seq SET DEFAULT nextval('public.messages_seq_seq'::regclass);

ALTER TABLE ONLY public.store_clock ALTER COLUMN id SET DEFAULT nextval('public.store_clock_id_seq'::regclass);

ALTER TABLE ONLY public.subscriptions ALTER COLUMN id SET DEFAULT nextval('public.subscriptions_id_seq'::regclass);

INSERT INTO public.alembic_version VALUES ('0001');

INSERT INTO public.idempotency_keys VALUES ('', 'nationalsite.account.v1.AccountService/RegisterUser', 'ee1becb3-b175-4987-883a-6d5bdce2003f', NULL, '\xe3035af8dfb091284526d37566baedf04386bf4380e186b6f9deafe1592b7d3c', 'SUCCEEDED', '\x', '702002239ae7471fa2dc9720c3651827', 1796101931210, 1796188331223);
INSERT INTO public.idempotency_keys VALUES ('', 'nationalsite.account.v1.AccountService/RegisterUser', '91070c33-a2fe-4e8c-a992-377358466c16', NULL, '\x3c1d51fb2111858cf1dbe78cc948711b7ad9d299410c2a44991ec5b9c24cedc7', 'UNKNOWN', NULL, '66d875d7e95d400cb4e43bbfdb23460b', 1796101931231, 1796188331237);

INSERT INTO public.leases VALUES ('retention', '25915a6f21c849d18d50c914cccc9eb9', 1796101991239);

SELECT pg_catalog.setval('public.deliveries_seq_seq', 1, false);

SELECT pg_catalog.setval('public.messages_seq_seq', 1, false);

SELECT pg_catalog.setval('public.store_clock_id_seq', 1, false);

SELECT pg_catalog.setval('public.subscriptions_id_seq', 1, false);

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_delivery_id_key UNIQUE (delivery_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.delivery_heads
    ADD CONSTRAINT delivery_heads_pkey PRIMARY KEY (ordering_group);

ALTER TABLE ONLY public.full_order_syncs
    ADD CONSTRAINT full_order_syncs_pkey PRIMARY KEY (kind, id);

ALTER TABLE ONLY public.full_orders
    ADD CONSTRAINT full_orders_pkey PRIMARY KEY (kind, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, rpc, request_id);

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.message_heads
    ADD CONSTRAINT message_heads_pkey PRIMARY KEY (subscription_id, ordering_key);

ALTER TABLE ONLY public.message_identities
    ADD CONSTRAINT message_identities_pkey PRIMARY KEY (identity);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_message_id_key UNIQUE (message_id);

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY public.store_clock
    ADD CONSTRAINT store_clock_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.subscription_messages
    ADD CONSTRAINT subscription_messages_pkey PRIMARY KEY (subscription_id, message_seq);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT uq_deliveries_request_id UNIQUE (caller, request_id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT uq_idempotency_keys_resource_id UNIQUE (rpc, resource_id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT uq_subscriptions_name UNIQUE (caller, name);

CREATE INDEX ix_deliveries_caller ON public.deliveries USING btree (caller, seq);

CREATE INDEX ix_deliveries_finish_time ON public.deliveries USING btree (finish_time_ms);

CREATE INDEX ix_deliveries_ordering_key ON public.deliveries USING btree (ordering_key, caller, seq);

CREATE INDEX ix_deliveries_pending ON public.deliveries USING btree (ordering_group, seq) WHERE (state = 'PENDING'::text);

CREATE INDEX ix_deliveries_state ON public.deliveries USING btree (state, caller, seq);

CREATE INDEX ix_delivery_heads_caller ON public.delivery_heads USING btree (rpc, due_time_ms, caller, turn);

CREATE INDEX ix_delivery_heads_due ON public.delivery_heads USING btree (rpc, due_time_ms, turn, seq);

CREATE INDEX ix_full_order_syncs_expire_time ON public.full_order_syncs USING btree (expire_time_ms);

CREATE INDEX ix_full_orders_member_id ON public.full_orders USING btree (member_id);

CREATE INDEX ix_full_orders_national_order_id ON public.full_orders USING btree (national_order_id);

CREATE INDEX ix_full_orders_update_time ON public.full_orders USING btree (update_time_ms);

CREATE INDEX ix_idempotency_keys_expire_time ON public.idempotency_keys USING btree (expire_time_ms);

CREATE INDEX ix_idempotency_keys_unresolved ON public.idempotency_keys USING btree (start_time_ms) WHERE ((resource_id IS NOT NULL) AND (state = ANY (ARRAY['RUNNING'::text, 'UNKNOWN'::text])));

CREATE INDEX ix_message_heads_order ON public.message_heads USING btree (subscription_id, event_time_ms, message_seq);

CREATE INDEX ix_message_identities_receive_time ON public.message_identities USING btree (receive_time_ms);

CREATE INDEX ix_messages_receive_time ON public.messages USING btree (receive_time_ms);

CREATE INDEX ix_subscription_messages_dead ON public.subscription_messages USING btree (subscription_id, message_seq) WHERE (dead_letter_time_ms IS NOT NULL);

CREATE INDEX ix_subscription_messages_leased ON public.subscription_messages USING btree (subscription_id, lease_expire_time_ms) WHERE ((dead_letter_time_ms IS NULL) AND (lease_expire_time_ms > 0));

CREATE INDEX ix_subscription_messages_message ON public.subscription_messages USING btree (message_seq);

CREATE INDEX ix_subscription_messages_ordering_key ON public.subscription_messages USING btree (subscription_id, ordering_key, event_time_ms, message_seq) WHERE (dead_letter_time_ms IS NULL);

ALTER TABLE ONLY public.message_heads
    ADD CONSTRAINT message_heads_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscriptions(id);

ALTER TABLE ONLY public.subscription_messages
    ADD CONSTRAINT subscription_messages_message_seq_fkey FOREIGN KEY (message_seq) REFERENCES public.messages(seq) ON DELETE CASCADE;

ALTER TABLE ONLY public.subscription_messages
    ADD CONSTRAINT subscription_messages_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES public.subscriptions(id);
