-- SPDX-License-Identifier: Apache-2.0
-- Roles and who is in which: read by src/state/targets/pg_roles.c.  Lists have \x1f between their items.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT has_table_privilege('pg_catalog.pg_authid', 'select') AS sees \gset
\if :sees
COPY (SELECT 'password', rolname,
        CASE WHEN rolpassword IS NULL THEN 'none'
             WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
             WHEN rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
             ELSE 'other' END
      FROM pg_catalog.pg_authid) TO STDOUT;
\endif
COPY (SELECT 'role', r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
        r.rolcanlogin, r.rolreplication, r.rolbypassrls, r.rolconnlimit,
        CASE WHEN r.rolvaliduntil IS NULL THEN NULL
             WHEN NOT isfinite(r.rolvaliduntil) THEN 'infinity'
             ELSE to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END,
        (SELECT string_agg(quote_ident(g.rolname) || CASE WHEN m.admin_option THEN ' (admin)'
                                                          ELSE '' END, E'\x1f' ORDER BY g.rolname)
         FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
         WHERE m.member = r.oid),
        (SELECT string_agg(CASE WHEN s.setdatabase = 0 THEN ''
                                ELSE (SELECT quote_ident(d.datname) || ': '
                                      FROM pg_catalog.pg_database d WHERE d.oid = s.setdatabase)
                           END || c.item, E'\x1f' ORDER BY s.setdatabase, c.item)
         FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) AS c(item)
         WHERE s.setrole = r.oid)
      FROM pg_catalog.pg_roles r) TO STDOUT;
COPY (SELECT 'end') TO STDOUT;
COMMIT;
