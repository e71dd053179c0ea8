-- SPDX-License-Identifier: Apache-2.0
-- What a database holds and who may do what with it: read by src/state/targets/pg_schema.c.  Each line is
-- object, kind, name, owner, definition, grants; grants have \x1f between their items.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
COPY (SELECT 'object', 'database', quote_ident(datname), pg_get_userbyid(datdba),
        'encoding ' || pg_encoding_to_char(encoding) || ', collate ' || datcollate ||
        CASE WHEN datallowconn THEN '' ELSE ', no connections' END ||
        CASE WHEN datconnlimit >= 0 THEN ', at most ' || datconnlimit ELSE '' END,
        (SELECT string_agg(a::text, E'\x1f' ORDER BY a::text) FROM unnest(datacl) a)
      FROM pg_database) TO STDOUT;
COPY (SELECT 'object', 'schema', quote_ident(nspname), pg_get_userbyid(nspowner), NULL,
        (SELECT string_agg(a::text, E'\x1f' ORDER BY a::text) FROM unnest(nspacl) a)
      FROM pg_namespace
      WHERE nspname !~ '^pg_(toast|temp)' AND nspname NOT IN ('pg_catalog', 'information_schema'))
     TO STDOUT;
COPY (SELECT 'object',
        CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
             WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END,
        c.oid::regclass::text, pg_get_userbyid(c.relowner),
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid)
             ELSE concat_ws(', ', CASE WHEN c.relkind = 'p' THEN 'partitioned' END,
                            CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END,
                            CASE WHEN c.relrowsecurity THEN 'row security' END,
                            CASE WHEN c.relforcerowsecurity THEN 'forced on its owner' END) END,
        (SELECT string_agg(a::text, E'\x1f' ORDER BY a::text) FROM unnest(c.relacl) a)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_(toast|temp)' AND
            n.nspname NOT IN ('pg_catalog', 'information_schema')) TO STDOUT;
COPY (SELECT 'object', 'column', c.oid::regclass::text || '.' || quote_ident(a.attname), NULL,
        format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END ||
        coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
        (SELECT string_agg(x::text, E'\x1f' ORDER BY x::text) FROM unnest(a.attacl) x)
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND
            n.nspname !~ '^pg_(toast|temp)' AND
            n.nspname NOT IN ('pg_catalog', 'information_schema')) TO STDOUT;
COPY (SELECT 'object', 'constraint', coalesce(nullif(conrelid, 0)::regclass::text || '.', '') ||
        quote_ident(conname), NULL, pg_get_constraintdef(k.oid), NULL
      FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
      WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')) TO STDOUT;
COPY (SELECT 'object', 'trigger', tgrelid::regclass::text || '.' || quote_ident(tgname), NULL,
        pg_get_triggerdef(oid) || CASE tgenabled WHEN 'D' THEN ' (disabled)' ELSE '' END, NULL
      FROM pg_trigger WHERE NOT tgisinternal) TO STDOUT;
COPY (SELECT 'object', 'function', p.oid::regprocedure::text, pg_get_userbyid(p.proowner),
        'language ' || l.lanname || CASE WHEN p.prosecdef THEN ', security definer' ELSE '' END ||
        coalesce(', set ' || array_to_string(p.proconfig, ', '), '') ||
        ', sha256:' || encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex'),
        (SELECT string_agg(a::text, E'\x1f' ORDER BY a::text) FROM unnest(p.proacl) a)
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_language l ON l.oid = p.prolang
      WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS
            (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND
             d.deptype = 'e')) TO STDOUT;
COPY (SELECT 'object', 'policy', polrelid::regclass::text || '.' || quote_ident(polname), NULL,
        CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END || ' for ' ||
        CASE polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
             WHEN 'd' THEN 'delete' ELSE 'all' END || ' to ' ||
        (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(r)) END,
                           ', ' ORDER BY r) FROM unnest(polroles) r) ||
        coalesce(' using (' || pg_get_expr(polqual, polrelid) || ')', '') ||
        coalesce(' with check (' || pg_get_expr(polwithcheck, polrelid) || ')', ''), NULL
      FROM pg_policy) TO STDOUT;
COPY (SELECT 'object', 'extension', quote_ident(extname), pg_get_userbyid(extowner),
        'version ' || extversion || ' in ' || extnamespace::regnamespace::text, NULL
      FROM pg_extension) TO STDOUT;
COPY (SELECT 'object', 'default grants',
        coalesce((SELECT quote_ident(nspname) || '.' FROM pg_namespace WHERE oid = defaclnamespace),
                 '') || quote_ident(pg_get_userbyid(defaclrole)) || ' ' ||
        CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
             WHEN 'T' THEN 'types' ELSE 'schemas' END, NULL, NULL,
        (SELECT string_agg(a::text, E'\x1f' ORDER BY a::text) FROM unnest(defaclacl) a)
      FROM pg_default_acl) TO STDOUT;
-- Settings that are not as they were built, and those that decide who gets in and what is logged.
-- What may hold a password is told only as set or not.
COPY (SELECT 'object', 'setting', name, NULL,
        CASE WHEN setting = '' THEN ''
             WHEN name ~ '(conninfo|passphrase_command$|password$|secret|token)' OR setting ~* 'password *='
             THEN '(set)'
             WHEN setting = '-1' THEN setting
             ELSE setting || coalesce(unit, '') END, NULL
      FROM pg_settings
      WHERE source NOT IN ('default', 'client', 'session', 'override', 'environment variable') OR
            name ~ '^(ssl|log_|krb_|password_|listen_addresses|port$|fsync$|full_page_writes)' OR
            name IN ('archive_command', 'archive_mode', 'data_checksums', 'row_security',
                     'shared_preload_libraries', 'wal_level')) TO STDOUT;
SELECT has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute') AND
       has_table_privilege('pg_catalog.pg_hba_file_rules', 'select') AS sees \gset
\if :sees
COPY (SELECT 'hba', concat_ws(' ', type, array_to_string(database, ','),
                              array_to_string(user_name, ','), address, netmask, auth_method,
                              array_to_string(options, ' ')), error
      FROM pg_hba_file_rules ORDER BY line_number) TO STDOUT;
\else
COPY (SELECT 'object', 'unseen', 'hba', NULL,
        'the rules of pg_hba.conf are not this role''s to see', NULL) TO STDOUT;
\endif
COPY (SELECT 'end') TO STDOUT;
COMMIT;
