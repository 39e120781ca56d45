-- The number of the limits of payments, which have nothing to keep yet.
SELECT 1;
