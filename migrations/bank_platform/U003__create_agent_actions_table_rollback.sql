DROP TABLE audit.agent_actions;
