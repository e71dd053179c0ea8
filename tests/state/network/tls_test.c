/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define ROW(file, line, program, scope, setting, value)                                            \
        "{\"file\":\"" file "\",\"line\":" line ",\"program\":\"" program "\",\"scope\":\"" scope  \
        "\",\"setting\":\"" setting "\",\"value\":\"" value "\"}\n"
#define CNF   "/etc/ssl/openssl.cnf"
#define NGINX "/etc/nginx/nginx.conf"
#define SITE  "/etc/apache2/sites-enabled/x.conf"
#define PG    "/etc/postgresql/15/main/postgresql.conf"

static const struct table_case cases[] = {
        { .name = "OpenSSL: a policy of the system as its manual has it",
          .part = { PART(CNF, "# x\nHOME\t= .\nopenssl_conf = default_conf\n[default_conf]\n"
                              "ssl_conf = ssl_sect\n[ ssl_sect ]\nsystem_default = sys # y\n"
                              "[sys]\nMinProtocol = TLSv1.2\nCipherString=DEFAULT:@SECLEVEL=2\n") },
          .rows = ROW(CNF, "3", "openssl", "", "openssl_conf", "default_conf") ROW(
                  CNF, "5", "openssl", "default_conf", "ssl_conf",
                  "ssl_sect") ROW(CNF, "7", "openssl", "ssl_sect", "system_default", "sys")
                  ROW(CNF, "9", "openssl", "sys", "MinProtocol", "TLSv1.2")
                          ROW(CNF, "10", "openssl", "sys", "CipherString", "DEFAULT:@SECLEVEL=2") },
        { .name = "nginx: servers, several lines, quotes, comments, blocks in a server",
          .part = { PART(NGINX,
                         "http {\n ssl_protocols TLSv1.2\n\tTLSv1.3; # old\n server { listen 443 "
                         "ssl;\n  location / { proxy_ssl_verify off; }\n ssl_ciphers \"A:B; #C\";\n"
                         " }\n server{ssl_certificate /etc/x.pem;}\n #ssl_ciphers D;\n"
                         "ssl_stapling on\n}\n") },
          .rows = ROW(NGINX, "2", "nginx", "", "ssl_protocols", "TLSv1.2 TLSv1.3")
                  ROW(NGINX, "5", "nginx", "server 1", "proxy_ssl_verify",
                      "off") ROW(NGINX, "6", "nginx", "server 1", "ssl_ciphers", "A:B; #C")
                          ROW(NGINX, "8", "nginx", "server 2", "ssl_certificate", "/etc/x.pem")
                                  ROW(NGINX, "10", "nginx", "", "ssl_stapling", "on") },
        { .name = "Apache: a host, in any case, what ends it",
          .part = { PART(SITE, "<IfModule mod_ssl.c>\n<VirtualHost *:443>\n\tSSLEngine on\n"
                               "  sslprotocol  all -SSLv3 \n# SSLProtocol all\n</VirtualHost>\n"
                               "SSLCipherSuite \"HIGH:!aNULL\"\n</IfModule>\nServerName x\n") },
          .rows = ROW(SITE, "3", "apache", "VirtualHost *:443", "SSLEngine", "on")
                  ROW(SITE, "4", "apache", "VirtualHost *:443", "sslprotocol", "all -SSLv3")
                          ROW(SITE, "7", "apache", "", "SSLCipherSuite", "HIGH:!aNULL") },
        { .name = "name = value: comments behind, quotes, a secret, what is not about TLS",
          .part = { PART("/etc/postfix/main.cf",
                         "myhostname = x\nsmtpd_tls_protocols = >=TLSv1.2\n"),
                    PART(PG, "ssl = on\t# a\n#ssl = off\nssl_ciphers = 'HIGH # x' # y\n"
                             "ssl_passphrase_command = 'echo --password geheim'\nport = 5432\n"),
                    PART("/etc/dovecot/conf.d/10-ssl.conf", "ssl = required\n") },
          .rows = ROW("/etc/postfix/main.cf", "2", "postfix", "", "smtpd_tls_protocols",
                      ">=TLSv1.2") ROW(PG, "1", "postgresql", "", "ssl", "on")
                  ROW(PG, "3", "postgresql", "", "ssl_ciphers", "HIGH # x")
                          ROW(PG, "4", "postgresql", "", "ssl_passphrase_command",
                              "echo --password ***") ROW("/etc/dovecot/conf.d/10-ssl.conf", "1",
                                                         "dovecot", "", "ssl", "required") },
        { .name = "what is broken ends all the same",
          .part = { PART(NGINX, "}}; server { server { ssl_a b; } ssl_c d; } ssl_e 'f"),
                    PART(CNF, "[\n=\nMinProtocol\nMinProtocol=\n"),
                    { .name = SITE, .bytes = "<\n>\nSSLEngine\n" } },
          .rows = ROW(NGINX, "1", "nginx", "server 1", "ssl_a", "b")
                  ROW(NGINX, "1", "nginx", "server 1", "ssl_c", "d")
                          ROW(NGINX, "1", "nginx", "", "ssl_e", "f")
                                  ROW(CNF, "4", "openssl", "", "MinProtocol", "")
                                          ROW(SITE, "3", "apache", "", "SSLEngine", "") },
        { .name = "nothing is there",
          .part = { { .name = CNF, .status = ENOENT }, { .name = NGINX, .status = EACCES } },
          .rows = "",
          .faults = NGINX ":0: Permission denied\n" },
};

static void test_tls(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_tls, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_tls) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
