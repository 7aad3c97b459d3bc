DROP TABLE access.access_log;
DROP TABLE access.role_permissions;
DROP TABLE access.user_roles;
