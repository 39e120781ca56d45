-- One service's schema and its two roles; run by the superuser, once for each service, with
-- psql -v schema=NAME.
-- SCHEMA_owner migrates and owns; SCHEMA runs and may only what the migrations grant.
CREATE ROLE :"schema" LOGIN;
SELECT format('CREATE ROLE %I LOGIN', :'schema' || '_owner') \gexec
SELECT format('CREATE SCHEMA %I AUTHORIZATION %I', :'schema', :'schema' || '_owner') \gexec
SELECT format('GRANT USAGE ON SCHEMA %I TO %I', :'schema', :'schema') \gexec
SELECT format('ALTER ROLE %I SET search_path = %I', :'schema', :'schema') \gexec
SELECT format('ALTER ROLE %I SET search_path = %I', :'schema' || '_owner', :'schema') \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
