BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE deliveries (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	delivery_id TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	content_hash BLOB NOT NULL, 
	rpc TEXT NOT NULL, 
	payload BLOB NOT NULL, 
	ordering_key TEXT NOT NULL, 
	ordering_group TEXT NOT NULL, 
	member_id TEXT, 
	order_ids TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	retry_start_time_ms BIGINT NOT NULL, 
	last_error BLOB, 
	results BLOB, 
	create_time_ms BIGINT NOT NULL, 
	last_attempt_time_ms BIGINT, 
	next_attempt_time_ms BIGINT, 
	finish_time_ms BIGINT, 
	lease_expire_time_ms BIGINT NOT NULL, 
	lease_holder TEXT, 
	outcome_unknown BOOLEAN NOT NULL, 
	CONSTRAINT ck_deliveries_state CHECK (state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')), 
	CONSTRAINT uq_deliveries_request_id UNIQUE (caller, request_id), 
	UNIQUE (delivery_id)
);
CREATE TABLE delivery_heads (
	ordering_group TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	rpc TEXT NOT NULL, 
	caller TEXT NOT NULL, 
	due_time_ms BIGINT NOT NULL, 
	turn BIGINT NOT NULL, 
	PRIMARY KEY (ordering_group)
);
CREATE TABLE full_order_syncs (
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	sync_id TEXT NOT NULL, 
	content_hash BLOB, 
	expire_time_ms BIGINT NOT NULL, 
	PRIMARY KEY (kind, id)
);
CREATE TABLE full_orders (
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	national_order_id TEXT NOT NULL, 
	member_id TEXT, 
	payload BLOB NOT NULL, 
	revision TEXT NOT NULL, 
	update_time_ms BIGINT NOT NULL, 
	PRIMARY KEY (kind, id)
);
CREATE TABLE idempotency_keys (
	caller TEXT NOT NULL, 
	rpc TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	resource_id TEXT, 
	content_hash BLOB NOT NULL, 
	state TEXT NOT NULL, 
	response BLOB, 
	holder TEXT NOT NULL, 
	start_time_ms BIGINT NOT NULL, 
	expire_time_ms BIGINT NOT NULL, 
	PRIMARY KEY (caller, rpc, request_id), 
	CONSTRAINT ck_idempotency_keys_state CHECK (state IN ('RUNNING', 'SUCCEEDED', 'UNKNOWN', 'NOT_EXECUTED')), 
	CONSTRAINT uq_idempotency_keys_resource_id UNIQUE (rpc, resource_id)
);
INSERT INTO "idempotency_keys" VALUES('','nationalsite.account.v1.AccountService/RegisterUser','c4907ab0-f3f1-4b35-a37e-85db8fbf7eb4',NULL,X'B676DA02DA1B85CC851D0395DEA6C845A457CADE0285EB526C66CD95F3CC1EDF','SUCCEEDED',X'','06abd5e86af7408398245553cb2b26b0',1796101926642,1796188326653);
INSERT INTO "idempotency_keys" VALUES('','nationalsite.account.v1.AccountService/RegisterUser','d0cd3db4-46c8-466a-a3a5-cdca6d703b4e',NULL,X'C019231A0218B123243093F05E8A59E3ED5729A780D4E385707220BF94125417','UNKNOWN',NULL,'6f7ea21ff95a4361954fa5075b7bcfef',1796101926662,1796188326668);
CREATE TABLE leases (
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	expire_time_ms BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "leases" VALUES('retention','c0f7eb9cc8e1467697aa06eb8d498952',1796101986674);
CREATE TABLE message_heads (
	subscription_id BIGINT NOT NULL, 
	ordering_key TEXT NOT NULL, 
	event_time_ms BIGINT NOT NULL, 
	message_seq BIGINT NOT NULL, 
	PRIMARY KEY (subscription_id, ordering_key), 
	FOREIGN KEY(subscription_id) REFERENCES subscriptions (id)
);
CREATE TABLE message_identities (
	identity BLOB NOT NULL, 
	receive_time_ms BIGINT NOT NULL, 
	PRIMARY KEY (identity)
)
 WITHOUT ROWID

;
CREATE TABLE messages (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	message_id TEXT NOT NULL, 
	topic TEXT NOT NULL, 
	ordering_key TEXT NOT NULL, 
	event_time_ms BIGINT NOT NULL, 
	receive_time_ms BIGINT NOT NULL, 
	member_id TEXT NOT NULL, 
	raw BLOB NOT NULL, 
	UNIQUE (message_id)
);
CREATE TABLE store_clock (
	id INTEGER NOT NULL, 
	source_time_ms BIGINT NOT NULL, 
	lead_ms BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE subscription_messages (
	subscription_id BIGINT NOT NULL, 
	message_seq BIGINT NOT NULL, 
	ordering_key TEXT NOT NULL, 
	event_time_ms BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	lease_id BIGINT NOT NULL, 
	lease_expire_time_ms BIGINT NOT NULL, 
	dead_letter_time_ms BIGINT, 
	PRIMARY KEY (subscription_id, message_seq), 
	FOREIGN KEY(subscription_id) REFERENCES subscriptions (id), 
	FOREIGN KEY(message_seq) REFERENCES messages (seq) ON DELETE CASCADE
);
CREATE TABLE subscriptions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	caller TEXT NOT NULL, 
	name TEXT, 
	topics TEXT NOT NULL, 
	start_time_ms BIGINT, 
	create_time_ms BIGINT NOT NULL, 
	last_used_time_ms BIGINT NOT NULL, 
	backfill_from_seq BIGINT NOT NULL, 
	backfill_to_seq BIGINT NOT NULL, 
	CONSTRAINT uq_subscriptions_name UNIQUE (caller, name)
);
CREATE INDEX ix_messages_receive_time ON messages (receive_time_ms);
CREATE INDEX ix_message_identities_receive_time ON message_identities (receive_time_ms);
CREATE INDEX ix_subscription_messages_message ON subscription_messages (message_seq);
CREATE INDEX ix_subscription_messages_ordering_key ON subscription_messages (subscription_id, ordering_key, event_time_ms, message_seq) WHERE dead_letter_time_ms IS NULL;
CREATE INDEX ix_subscription_messages_leased ON subscription_messages (subscription_id, lease_expire_time_ms) WHERE dead_letter_time_ms IS NULL AND lease_expire_time_ms > 0;
CREATE INDEX ix_subscription_messages_dead ON subscription_messages (subscription_id, message_seq) WHERE dead_letter_time_ms IS NOT NULL;
CREATE INDEX ix_message_heads_order ON message_heads (subscription_id, event_time_ms, message_seq);
CREATE INDEX ix_deliveries_ordering_key ON deliveries (ordering_key, caller, seq);
CREATE INDEX ix_deliveries_pending ON deliveries (ordering_group, seq) WHERE state = 'PENDING';
CREATE INDEX ix_deliveries_caller ON deliveries (caller, seq);
CREATE INDEX ix_deliveries_state ON deliveries (state, caller, seq);
CREATE INDEX ix_deliveries_finish_time ON deliveries (finish_time_ms);
CREATE INDEX ix_delivery_heads_due ON delivery_heads (rpc, due_time_ms, turn, seq);
CREATE INDEX ix_delivery_heads_caller ON delivery_heads (rpc, due_time_ms, caller, turn);
CREATE INDEX ix_idempotency_keys_expire_time ON idempotency_keys (expire_time_ms);
CREATE INDEX ix_idempotency_keys_unresolved ON idempotency_keys (start_time_ms) WHERE resource_id IS NOT NULL AND state IN ('RUNNING', 'UNKNOWN');
CREATE INDEX ix_full_orders_national_order_id ON full_orders (national_order_id);
CREATE INDEX ix_full_orders_member_id ON full_orders (member_id);
CREATE INDEX ix_full_orders_update_time ON full_orders (update_time_ms);
CREATE INDEX ix_full_order_syncs_expire_time ON full_order_syncs (expire_time_ms);
DELETE FROM "sqlite_sequence";
COMMIT;
