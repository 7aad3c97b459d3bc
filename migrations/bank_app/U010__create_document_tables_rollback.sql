DROP TABLE app.document_audit_log;
DROP TABLE app.document_metadata;
