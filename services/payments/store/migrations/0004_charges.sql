-- Place of a migration of another branch, whose file takes this one's place when both are merged.
SELECT 1;
