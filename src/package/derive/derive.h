/* SPDX-License-Identifier: Apache-2.0 */
/* derive.h - the Cedar schema that an API implies.  Floor 2, pure.
 *
 *   principal  Caller, in Groups.        action  one per operation, its operationId
 *   resource   the object of the operation (x-object), else Api::"<name>"
 *
 *   entity Caller in [Group] { branch?: String };   unless types.cedarschema of the package says
 *                                        more of them; attributes: claims of gateway.yaml
 *   entity Group in [Group];             likewise
 *   entity Api;
 *   entity DataClass in [DataClass];     "pii.ssn" is in "pii"
 *   entity <type of each x-object>;      unless types.cedarschema has it; one with a namespace must
 *                                        be there
 *   entity <enum> enum ["open", ...];    of each set of strings that an attribute can be
 *   type <component>Record = {...};      of each component that is an object
 *   action "<tag>";                      of each tag; operations are in those of their tags
 *   action "getAccount" in ["<tag>"] appliesTo { principal: Caller, resource: Account, context: {
 *       address: ipaddr, time: datetime,
 *       tls: { version: String, client?: String },
 *       path: {...}, query: {...}, header: {...}, cookie: {...},  those that it has
 *       body?: ...                                                if it takes JSON
 *   }};
 *   action "read", "readMasked";         data classes of an answer: one question each
 *   type GetAccountRead = {...};         of an operation that reads any: as above, and
 *                                        object: Account
 *   action "getAccount.read" in ["read"] appliesTo { principal: Caller, resource: DataClass,
 *       context: GetAccountRead };       likewise "getAccount.readMasked" in ["readMasked"]
 *
 * An operation, a tag and those two must not have the same name.
 *
 * Types of values.  A value that fits its schema has the type, or the call is refused:
 *
 *   boolean          Bool
 *   integer          Long; beyond 64 bits the call is refused
 *   number           decimal; with more than four digits behind the point, or beyond
 *                    922337203685477.5807, the call is refused; lint warns unless multipleOf, enum
 *                    or const say that there are not so many digits
 *   string           String; with enum or const an enumerated type; else, where the format says so:
 *     date-time      datetime, the millisecond that it is in: what is behind three digits of a
 *                    fraction is cut off, so `<` and `>=` against a time that a policy names are
 *                    exact; a leap second (:60) is no datetime, and the call is refused
 *     ipv4, ipv6     ipaddr, of one address; "::ffff:10.0.0.1" is one of IPv6, in no range of IPv4
 *   array            Set of what items and prefixItems all are
 *   object           a record of the properties that are named and have a type, required ones that
 *                    cannot be null as required; other members (`additionalProperties`) are not
 *                    seen
 *   null             absence: `type: [string, "null"]` is an optional String
 *
 * A parameter likewise; one of which nothing is said is a String.
 *
 *   enum, const      narrow what `type` says: [1, 2] without a type is a Long
 *   $ref             what it leads to, and what stands beside it
 *   allOf            all of them at once: properties of all, required where one requires
 *   anyOf, oneOf     what they have in common: the same type; enums together are one enum; integer
 *                    and number a decimal; strings of different formats a String; null makes it
 *                    optional; branches that only say `required` change nothing
 *
 * not, if, then, else, dependentSchemas, patternProperties, limits are not looked at.
 *
 * Left out, with a comment in the schema and a warning of lint: what can be of different types,
 * what may be anything (properties without `type: object` too), objects without a property that has
 * a type, arrays that may hold null, what leads back to itself: a property or items from which
 * `$ref` comes round to the schema they stand in; what nests deeper than Cedar lets types.
 *
 * Names.  An attribute has the name of its property, in quotes where that is no identifier:
 * context.header["x-trace"].  An enumerated type is called after the component that it is, else
 * after its place: component, or operation and place (PutAccountQueryMode, PutAccountBody...), and
 * properties from there, each word in a capital, other characters than letters and digits gone:
 * AccountStatus.  One name with the same ids is one type; with others, or where the name is taken
 * (by the language, the types above, an x-object), it is AccountStatus_2 and so on in the order of
 * the text: components by their names, then operations.  A policy that means another one does not
 * validate.
 *
 * The text is deterministic.  types.cedarschema is parsed, checked not to declare what is derived
 * otherwise (actions, Api, DataClass, enums, records), and printed at its end word for word.  It
 * may use all derived types.  Its Caller must have each claim as an optional String and be in
 * Group; lint warns of required attributes of Caller and of types of objects, which only those have
 * that entities.yaml lists. */
#ifndef PACKAGE_DERIVE_H
#define PACKAGE_DERIVE_H

#include "base/buf.h"
#include "package/config/config.h"
#include "policy/schema/schema.h"

/* types: text of types.cedarschema, empty when there is none.  l may be NULL, then warnings are not
 * wanted and an error is err's; faults are of the files openapi.yaml and types.cedarschema.
 * Appends to out; -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int derive_schema(const struct api *api, const struct config *config, struct span types,
                           struct buf *out, struct lint *l, struct err *err);

/* The same, of sources whose document is known: faults of it have their places. */
struct derive_sources {
        const struct api *api;
        const struct config *config;
        struct span types;
        const struct source_node *document; /* what the model was read from; may be NULL */
};
MUST_USE int derive_schema_of(const struct derive_sources *s, struct buf *out, struct lint *l,
                              struct err *err);

#endif
