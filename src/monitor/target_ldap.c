/* SPDX-License-Identifier: Apache-2.0 */
/* ldapsearch(1): all entries below a base, in pages, as LDIF. */
#include "monitor/target.h"

/* What an auditor asks of an entry, where the file names nothing else.  Of userPassword the table
 * tells the scheme only. */
static const char *const usual[] = {
        "objectClass",
        "cn",
        "sn",
        "uid",
        "mail",
        "description",
        "employeeType",
        "uidNumber",
        "gidNumber",
        "homeDirectory",
        "loginShell",
        "sshPublicKey",
        "sudoUser",
        "sudoHost",
        "sudoCommand",
        "sudoRunAsUser",
        "sudoOption",
        "member",
        "uniqueMember",
        "memberUid",
        "roleOccupant",
        "memberOf",
        "userPassword",
        "shadowExpire",
        "pwdAccountLockedTime",
        "pwdReset",
        "pwdPolicySubentry",
        "nsAccountLock",
        "userAccountControl",
        "accountExpires",
        "modifyTimestamp",
        "modifiersName",
        NULL,
};

static bool begins(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

static void put_tls(const struct target *t, struct command *c, int *rc)
{
        static const struct {
                const char *key, *variable;
                enum command_form form;
        } files[] = {
                { "ca_file", "LDAPTLS_CACERT=", COMMAND_PUBLIC },
                { "cert_file", "LDAPTLS_CERT=", COMMAND_PUBLIC },
                { "key_file", "LDAPTLS_KEY=", COMMAND_SECRET },
        };

        target_env(c, "LDAPTLS_REQCERT=demand", rc);
        for (size_t i = 0; i < ARRAY_LEN(files); i++) {
                const char *path = target_value(t, files[i].key);
                const char *name = path ? target_file(c, path, files[i].form, rc) : NULL;

                if (name)
                        target_env(c, target_join(t, files[i].variable, name), rc);
        }
}

static void put_bind(const struct target *t, struct command *c, int *rc)
{
        const char *dn = target_value(t, "bind_dn"), *file = target_value(t, "password_file");

        if (target_value(t, "sasl")) {
                target_arg(c, "-Q", rc);
                target_arg(c, "-Y", rc);
                target_arg(c, "EXTERNAL", rc);
                return;
        }
        target_arg(c, "-x", rc);
        if (!dn)
                return;
        target_arg(c, "-D", rc);
        target_arg(c, dn, rc);
        target_arg(c, "-y", rc);
        target_arg(c, target_file(c, file, COMMAND_PASSWORD, rc), rc);
}

static void put_attributes(const struct target *t, struct command *c, int *rc)
{
        bool own = target_value(t, "attributes") != NULL;

        for (size_t i = 0; !own && usual[i]; i++)
                target_arg(c, usual[i], rc);
        for (size_t i = 0; own && i < t->n; i++)
                if (strcmp(t->values[i].setting->name, "attributes") == 0)
                        target_arg(c, (const char *)t->values[i].value.p, rc);
        if (!own)
                return;
        target_arg(c, "objectClass", rc); /* what tells a user from a group, and who changed it */
        target_arg(c, "modifyTimestamp", rc);
        target_arg(c, "modifiersName", rc);
}

int target_ldap(const struct target *t, struct command *c)
{
        const char *uri = target_value(t, "uri"), *tls = target_value(t, "tls");
        const char *filter = target_value(t, "filter");
        bool plain = begins(uri, "ldap://"), starttls = plain && !(tls && strcmp(tls, "none") == 0);
        static const char *const options[] = {
                "/usr/bin/ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-o", "nettimeout=10", "-E",
                "pr=500/noprompt"
        };
        int rc = 0;

        c->name = "ldapsearch";
        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                target_arg(c, options[i], &rc);
        if (starttls)
                target_arg(c, "-ZZ", &rc);
        target_arg(c, "-H", &rc);
        target_arg(c, uri, &rc);
        target_arg(c, "-b", &rc);
        target_arg(c, target_value(t, "base"), &rc);
        put_tls(t, c, &rc);
        put_bind(t, c, &rc);
        target_arg(c, filter ? filter : "(objectClass=*)", &rc);
        put_attributes(t, c, &rc);
        return rc;
}
