/* SPDX-License-Identifier: Apache-2.0 */
/* pg_settings.h - how a server of PostgreSQL is reached: the same for all tables of it.  Floor 2.
 */
#ifndef STATE_PG_SETTINGS_H
#define STATE_PG_SETTINGS_H

#include "state/state.h"

static const struct state_setting pg_settings[] = {
        { "ca_file", SETTING_FILE, false, NULL, "CAs that the server's certificate may be of" },
        { "cert_file", SETTING_FILE, false, NULL, "our certificate" },
        { "database", SETTING_TEXT, false, NULL, "the database" },
        { "host", SETTING_TEXT, true, NULL, "the server's name, or the directory of its socket" },
        { "key_file", SETTING_FILE, false, NULL, "the key of our certificate" },
        { "password_file", SETTING_FILE, false, NULL, "a file with the password" },
        { "port", SETTING_PORT, false, NULL, "the server's port" },
        { "sslmode", SETTING_CHOICE, false, "disable|require|verify-ca|verify-full",
          "what of its certificate is checked" },
        { "user", SETTING_TEXT, true, NULL, "the role to connect as" },
};

#endif
