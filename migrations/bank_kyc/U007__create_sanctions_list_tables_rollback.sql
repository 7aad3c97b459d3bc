DROP TABLE kyc.sanctions_list_entries;
DROP TABLE kyc.sanctions_lists;
