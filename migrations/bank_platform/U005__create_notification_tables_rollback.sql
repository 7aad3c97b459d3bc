DROP TABLE notifications.audit_log;
DROP TABLE notifications.dedup_keys;
DROP TABLE notifications.preferences;
DROP TABLE notifications.templates;
