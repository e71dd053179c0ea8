/* SPDX-License-Identifier: Apache-2.0 */
/* A job in the hands of an attacker: misbehaves as its argument says, with frames made by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(const void *p, size_t n)
{
        /* blocking, whatever the socket's own mode is: retried by the flood below */
        if (send(1, p, n, MSG_NOSIGNAL) < 0)
                usleep(1000);
}

#define PUT(s) put(s, sizeof(s) - 1)

int main(int argc, char **argv)
{
        const char *how = argc > 1 ? argv[1] : "";
        static char large[70000];
        char byte;

        if (strcmp(how, "good") == 0) {
                PUT("\1{\"a\":1}");
                PUT("\1{\"a\":2}");
                PUT("\2\2\0\0\0");
        } else if (strcmp(how, "echo") == 0) {
                large[0] = 1;
                put(large, 1 + (size_t)read(0, large + 1, 1000));
                PUT("\2\1\0\0\0");
        } else if (strcmp(how, "parts") == 0) { /* {"<argument>":[<of 3>,<of 4>]} */
                size_t n = 0;

                large[n++] = 1;
                n += (size_t)snprintf(large + n, 100, "{\"%s\":[", argc == 3 ? argv[2] : "none");
                n += (size_t)read(3, large + n, 100);
                large[n++] = ',';
                n += (size_t)read(4, large + n, 100);
                large[n++] = ']';
                large[n++] = '}';
                put(large, n);
                PUT("\2\1\0\0\0");
        } else if (strcmp(how, "crash") == 0) {
                PUT("\1{\"a\":1}");
                abort();
        } else if (strcmp(how, "hang") == 0) {
                PUT("\1{\"a\":1}");
                pause();
        } else if (strcmp(how, "close") == 0) {
                close(1);
                pause();
        } else if (strcmp(how, "flood") == 0) {
                for (;;)
                        PUT("\1{\"a\":1}");
        } else if (strcmp(how, "status") == 0) {
                PUT("\2\0\0\0\0");
                return 3;
        } else if (strcmp(how, "silent") == 0) {
                return 0;
        } else if (strcmp(how, "count") == 0) {
                PUT("\1{\"a\":1}");
                PUT("\2\2\0\0\0");
        } else if (strcmp(how, "after") == 0) {
                PUT("\2\0\0\0\0");
                PUT("\1{\"a\":1}");
        } else if (strcmp(how, "json") == 0) {
                PUT("\1{\"a\": 1}");
        } else if (strcmp(how, "type") == 0) {
                PUT("\7");
        } else if (strcmp(how, "large") == 0) {
                large[0] = 1;
                put(large, sizeof large);
        } else if (strcmp(how, "told") == 0) {
                PUT("\3line 7 is odd");
                return 1;
        } else if (strcmp(how, "inherit") == 0) {
                return read(3, &byte, 1) < 0 ? 4 : 5; /* nothing above 2 may be open */
        }
        return 0;
}
