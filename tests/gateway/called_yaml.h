/* SPDX-License-Identifier: Apache-2.0 */
/* called_yaml.h - an API with every sort of parameter. */
#ifndef TESTS_GATEWAY_CALLED_YAML_H
#define TESTS_GATEWAY_CALLED_YAML_H

#define CALLED_GATEWAY                                                                             \
        "name: parts\n"                                                                            \
        "base: /bank\n"                                                                            \
        "identity: { legacy: { pass: basic }, token: { opaque: true },\n"                          \
        "  machine: { mutual: { ca: /etc/ca.pem } } }\n"
#define CALLED_BACKEND                                                                             \
        "url: https://parts.internal:8443/api/v2\n"                                                \
        "addresses: [10.1.2.3]\n"

#define CALLED_OPENAPI                                                                             \
        "openapi: 3.1.0\n"                                                                         \
        "info: { title: Parts, version: 1.0.0 }\n"                                                 \
        "security: [{ token: [] }]\n"                                                              \
        "paths:\n"                                                                                 \
        "  /parts/{id}:\n"                                                                         \
        "    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]\n"     \
        "    get:\n"                                                                               \
        "      operationId: getPart\n"                                                             \
        "      parameters:\n"                                                                      \
        "        - { name: q, in: query, schema: { type: string } }\n"                             \
        "        - { name: n, in: query, schema: { type: integer } }\n"                            \
        "        - { name: r, in: query, schema: { type: number } }\n"                             \
        "        - { name: ok, in: query, schema: { type: boolean } }\n"                           \
        "        - { name: 'f[x]', in: query, schema: { type: string } }\n"                        \
        "        - name: tag\n"                                                                    \
        "          in: query\n"                                                                    \
        "          schema: { type: array, items: { type: string } }\n"                             \
        "        - name: ids\n"                                                                    \
        "          in: query\n"                                                                    \
        "          explode: false\n"                                                               \
        "          schema: { type: array, items: { type: integer } }\n"                            \
        "        - { name: X-Text, in: header, schema: { type: string } }\n"                       \
        "        - name: X-List\n"                                                                 \
        "          in: header\n"                                                                   \
        "          schema: { type: array, items: { type: string } }\n"                             \
        "        - { name: sid, in: cookie, schema: { type: string } }\n"                          \
        "        - name: seen\n"                                                                   \
        "          in: cookie\n"                                                                   \
        "          explode: false\n"                                                               \
        "          schema: { type: array, items: { type: integer } }\n"                            \
        "      responses:\n"                                                                       \
        "        200:\n"                                                                           \
        "          description: it\n"                                                              \
        "          content:\n"                                                                     \
        "            application/json: { schema: { type: object } }\n"                             \
        "            text/csv: { schema: { type: string } }\n"                                     \
        "        default:\n"                                                                       \
        "          description: a problem\n"                                                       \
        "          content: { application/problem+json: { schema: { type: object } } }\n"          \
        "    put:\n"                                                                               \
        "      operationId: putPart\n"                                                             \
        "      security: [{ legacy: [] }, { token: [], machine: [] }]\n"                           \
        "      requestBody:\n"                                                                     \
        "        content:\n"                                                                       \
        "          application/json: { schema: true }\n"                                           \
        "          application/merge-patch+json: { schema: true }\n"                               \
        "      responses: { 204: { description: done } }\n"                                        \
        "  /lists/{ids}/of:it%20all/{last}:\n"                                                     \
        "    get:\n"                                                                               \
        "      operationId: getList\n"                                                             \
        "      security: [{ machine: [] }]\n"                                                      \
        "      parameters:\n"                                                                      \
        "        - name: ids\n"                                                                    \
        "          in: path\n"                                                                     \
        "          required: true\n"                                                               \
        "          schema: { type: array, items: { type: string } }\n"                             \
        "        - { name: last, in: path, required: true, schema: { type: number } }\n"           \
        "      responses: { 204: { description: none } }\n"                                        \
        "  /:\n"                                                                                   \
        "    get:\n"                                                                               \
        "      operationId: getRoot\n"                                                             \
        "      responses: { 204: { description: none } }\n"                                        \
        "components:\n"                                                                            \
        "  securitySchemes:\n"                                                                     \
        "    legacy: { type: http, scheme: basic }\n"                                              \
        "    machine: { type: mutualTLS }\n"                                                       \
        "    token: { type: http, scheme: bearer }\n"

#endif
