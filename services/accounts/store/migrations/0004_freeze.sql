-- Nothing yet: how accounts are frozen and closed comes here.
SELECT 1;
