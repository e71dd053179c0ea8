# SPDX-License-Identifier: Apache-2.0
"""JSON that two readers could take for two things, and bodies that say they are something else."""
import gzip
import zlib

from . import MARK, NGINX, chunked, passed, post, refused, request, upstream


def good(name, body, seen=None, *headers, **more):
    """It is let pass, printed anew."""
    return passed(name, post(body, *headers, **more),
                  upstream(b"POST /things", body=body if seen is None else seen))


def bad(name, body, status=400, reason="json", *headers, **more):
    return refused(name, post(body, *headers, **more), status, reason)


def order(name, body, status=None, reason="body", seen=None):
    """For an operation whose body has a schema, and a policy about its amount."""
    sent = post(body, target=b"/api/things/A", method=b"PUT")
    if status:
        return refused(name, sent, status, reason)
    return passed(name, sent,
                  upstream(b"PUT /things/A", body=body if seen is None else seen))


def typed(name, media, status=415, reason="media", body=b"{}"):
    return refused(name, post(body, media=media), status, reason)


def packed(name, coding, body, status=415, reason="encoding"):
    return refused(name, post(body, b"Content-Encoding: " + coding), status, reason)


BOMB = gzip.compress(b"[" * 10_000_000)
DEEP = 16  # caps.depth
FORM = b"----x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + MARK + b"\r\n----x--\r\n"
CASES = [
    # keys
    bad("a key twice", b'{"a":1,"a":2}'),
    bad("a name twice, which may be personal", b'{"' + MARK + b'":1,"' + MARK + b'":2}'),
    bad("a key twice, once escaped", b'{"a":1,"\\u0061":2}'),
    bad("a key twice, far apart", b'{"a":1,' + b",".join(b'"k%d":0' % i for i in range(300)) +
        b',"a":2}'),
    bad("a key twice, within", b'{"x":[{"a":1,"a":2}]}'),
    bad("the empty key twice", b'{"":1,"":2}'),
    bad("a key twice by a surrogate pair", b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":2}'),
    good("an escaped NUL stays escaped", b'{"a\\u0000":"\\u0000b"}'),
    good("a key in other letters is another where the document says nothing", b'{"a":1,"A":2}',
         b'{"A":2,"a":1}'),
    good("composed and decomposed keys are two", b'{"e\xcc\x81":1,"\xc3\xa9":2}'),
    good("keys that JavaScript knows", b'{"__proto__":{"admin":true},"constructor":{}}'),
    good("keys that the policies' own JSON knows",
         b'{"__entity":{"id":"root","type":"Caller"},"__extn":{"arg":"1.0","fn":"decimal"}}'),
    good("keys of a database", b'{"$gt":"","$where":"1"}'),
    good("no object", b'"a"'),
    good("in order and without blanks", b'{ "b" : 1 ,\r\n\t"a" : [ ] }', b'{"a":[],"b":1}'),
    # numbers
    good("2^53 + 1", b'{"n":9007199254740993}'),
    good("the greatest of 64 bits", b'{"n":9223372036854775807}'),
    good("beyond 64 bits, as it was spelled", b'{"n":9223372036854775808}'),
    good("64 digits", b'{"n":' + b"9" * 64 + b"}"),
    bad("65 digits", b'{"n":' + b"9" * 65 + b"}"),
    good("an exponent beyond doubles, as it was spelled", b'{"n":1e400}'),
    good("-0 is 0", b'{"n":-0}', b'{"n":0}'),
    good("-0.0 as it was spelled", b'{"n":-0.0}'),
    bad("a zero in front", b'{"n":01}'),
    bad("a plus", b'{"n":+1}'),
    bad("a point in front", b'{"n":.5}'),
    bad("a point at the end", b'{"n":1.}'),
    bad("hexadecimal", b'{"n":0x1F}'),
    bad("an underscore", b'{"n":1_000}'),
    bad("NaN", b'{"n":NaN}'),
    bad("Infinity", b'{"n":-Infinity}'),
    bad("an exponent without digits", b'{"n":1e}'),
    bad("digits of another script", b'{"n":\xd9\xa1}'),
    bad("a minus alone", b"-"),
    # text
    bad("a byte order mark", b"\xef\xbb\xbf{}"),
    bad("UTF-16, little", '{"a":1}'.encode("utf-16-le")),
    bad("UTF-16 with a mark", '{"a":1}'.encode("utf-16")),
    bad("UTF-32", '{"a":1}'.encode("utf-32-be")),
    bad("no UTF-8", b'{"a":"\xff"}'),
    bad("Latin-1", b'{"a":"\xe9"}'),
    bad("overlong", b'{"a":"\xc0\xa2,"b":"\xc0\xa2"}'),
    bad("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}'),
    bad("CESU-8", b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}'),
    bad("beyond Unicode", b'{"a":"\xf4\x90\x80\x80"}'),
    bad("half a letter at the end", b'{"a":"\xc3"}'),
    bad("a lone high surrogate", b'{"a":"\\ud800"}'),
    bad("a lone low surrogate", b'{"a":"\\udc00"}'),
    bad("surrogates the wrong way round", b'{"a":"\\udc00\\ud800"}'),
    bad("a high surrogate and a letter", b'{"a":"\\ud800\\u0061"}'),
    bad("a newline in a string", b'{"a":"\n"}'),
    bad("a NUL in a string", b'{"a":"\0"}'),
    bad("a tab in a string", b'{"a":"\t"}'),
    bad("an escape that is none", b'{"a":"\\x41"}'),
    bad("half an escape", b'{"a":"\\u00"}'),
    bad("an escape with a capital U", b'{"a":"\\U00000041"}'),
    good("escapes are written as what they are", b'{"a":"\\u0041\\/\\u00e9"}',
         b'{"a":"A/\xc3\xa9"}'),
    good("a pair of surrogates", b'{"a":"\\uD83D\\uDE00"}', b'{"a":"\xf0\x9f\x98\x80"}'),
    good("a newline stays escaped", b'{"a":"\\u000a"}', b'{"a":"\\n"}'),
    good("separators of lines", b'{"a":"\xe2\x80\xa8\xe2\x80\xa9"}'),
    good("markup is text", b'{"a":"</script><!--"}'),
    # form
    bad("something behind it", b"{}x"),
    bad("two values", b"{}{}"),
    bad("two values on two lines", b"{}\n{}"),
    bad("a NUL behind it", b"{}\0"),
    bad("a comma behind the last member", b'{"a":1,}'),
    bad("a comma behind the last item", b"[1,]"),
    bad("only commas", b"[,]"),
    bad("a comment", b"{/* " + MARK + b" */}"),
    bad("a comment of a line", b"{} // " + MARK),
    bad("a comment of a shell", b"# " + MARK + b"\n{}"),
    bad("single quotes", b"{'a':1}"),
    bad("a key without quotes", b"{a:1}"),
    bad("a call", b"callback({})"),
    bad("a word in capitals", b"True"),
    bad("undefined", b'{"a":undefined}'),
    bad("a vertical tab as a blank", b"\x0b{}"),
    bad("a no-break space as a blank", b"\xc2\xa0{}"),
    bad("no end", b'{"a":{'),
    bad("blanks alone", b"   "),
    bad("a colon that is missing", b'{"a" 1}'),
    bad("no body", b"", 400, "body"),
    good("as deep as may be", b"[" * DEEP + b"]" * DEEP),
    bad("one deeper", b"[" * (DEEP + 1) + b"]" * (DEEP + 1)),
    bad("16000 deep", b"[" * 16000),
    bad("8000 objects deep", b'{"":' * 4000),
    good("16 KiB", b'"' + b"a" * (16 * 1024 - 2) + b'"'),
    bad("16 KiB and a byte", b'"' + b"a" * (16 * 1024 - 1) + b'"', 413, "size"),
    bad("16 KiB and blanks", b"{}" + b" " * (16 * 1024), 413, "size"),
    good("thousands of items, in a file if nginx were asked", b"[" + b"0," * 7000 + b"0]"),
    refused("a gigabyte that is only told of", post(MARK, length=1 << 30), 413, "size"),
    # schema and policy
    order("what the schema has", b'{"amount":1,"note":"x","price":1.5}'),
    order("an amount above the policy's", b'{"amount":1001}', 403, "policy"),
    order("an amount above it, with an exponent", b'{"amount":2e3}', 403, "policy"),
    order("an amount above it, with a fraction of 0", b'{"amount":1001.0}', 403, "policy"),
    order("an amount above it, below by its exponent's sign", b'{"amount":20000e-1}', 403,
          "policy"),
    order("an amount beyond 64 bits", b'{"amount":18446744073709551616}', 400, "body"),
    order("an amount of 2^64 + 1 is not 1", b'{"amount":18446744073709551617}', 400, "body"),
    order("an amount with a huge exponent", b'{"amount":1e999999999999}', 400, "body"),
    order("a fraction is no integer", b'{"amount":0.5}', 400, "body"),
    order("a string is no integer", b'{"amount":"1"}', 400, "body"),
    order("a boolean is no integer", b'{"amount":true}', 400, "body"),
    order("a list is no integer", b'{"amount":[1]}', 400, "body"),
    order("null is no integer", b'{"amount":null}', 400, "body"),
    order("an object of policies' own JSON is no integer",
          b'{"amount":{"__extn":{"fn":"decimal","arg":"1.0"}}}', 400, "body"),
    order("an entity is no string", b'{"note":{"__entity":{"type":"Group","id":"staff"}}}', 400,
          "body"),
    order("more digits than policies compare", b'{"price":0.00001}', 400, "body"),
    order("what the document does not have", b'{"' + MARK + b'":1}', 400, "body"),
    order("a member in capitals", b'{"Amount":2000}', 400, "body"),
    order("__proto__ where the schema has all members", b'{"__proto__":{"amount":2000}}', 400,
          "body"),
    order("a Kelvin sign for a k is no member", b'{"\xe2\x84\xaa":1}', 400, "body"),
    order("depth by a schema that leads back to itself", b'{"lines":[' * 7 + b"]}" * 7),
    order("no object where one is wanted", b"[]", 400, "body"),
    # media types
    typed("another type", b"Content-Type: text/plain"),
    typed("XML", b"Content-Type: application/xml", body=b'<!DOCTYPE a [<!ENTITY x SYSTEM '
          b'"file:///etc/passwd">]><a>&x;</a>'),
    typed("a form", b"Content-Type: application/x-www-form-urlencoded", body=b"a=" + MARK),
    typed("multipart", b"Content-Type: multipart/form-data; boundary=--x", body=FORM),
    typed("merge-patch where the document has JSON",
          b"Content-Type: application/merge-patch+json"),
    typed("JSON as a text", b"Content-Type: text/json"),
    typed("UTF-7", b"Content-Type: application/json; charset=utf-7"),
    typed("UTF-16", b"Content-Type: application/json; charset=utf-16",
          body='{"a":1}'.encode("utf-16")),
    typed("a charset of Latin-1", b"Content-Type: application/json; charset=ISO-8859-1"),
    typed("EBCDIC", b"Content-Type: application/json; charset=ibm037"),
    typed("UTF-8 between single quotes", b"Content-Type: application/json; charset='utf-8'"),
    typed("two charsets", b"Content-Type: application/json; charset=utf-8; charset=utf-7", 400,
          "header"),
    typed("a charset without a value", b"Content-Type: application/json; charset=", 400,
          "header"),
    typed("two types in one", b"Content-Type: application/json, text/xml", 400, "header"),
    typed("half a type", b"Content-Type: application", 400, "header"),
    typed("a type with a wildcard", b"Content-Type: application/*"),
    typed("any type", b"Content-Type: */*"),
    typed("an empty type", b"Content-Type:", 400, "header"),
    typed("no type", None),
    typed("a quote without its end", b'Content-Type: application/json; x="', 400, "header"),
    typed("a semicolon at the end", b"Content-Type: application/json;", 400, "header"),
    good("UTF-8 between quotes, in capitals", b"{}", None,
         media=b'Content-Type: APPLICATION/JSON ; CHARSET="UTF-8"'),
    good("a parameter of nobody", b"{}", None, media=b"Content-Type: application/json; v=1"),
    refused("a GET with a type and no body, of JSON in UTF-7",
            request(b"GET /api/admin HTTP/1.1",
                    b"Content-Type: application/json; charset=utf-7"), 403, "policy"),
    # packed
    packed("gzip", b"gzip", gzip.compress(b'{"a":1}')),
    packed("a bomb of gzip", b"gzip", BOMB),
    packed("deflate", b"deflate", zlib.compress(b'{"a":1}')),
    packed("br", b"br", b"\x0b\x01\x80{}\x03"),
    packed("zstd", b"zstd", b"\x28\xb5\x2f\xfd"),
    packed("x-gzip", b"x-gzip", gzip.compress(b"{}")),
    packed("gzip that is none", b"gzip", b'{"a":1}'),
    packed("identity and gzip", b"identity, gzip", b"{}"),
    packed("nothing", b"", b"{}"),
    bad("gzip that is not told of", gzip.compress(b'{"a":1}')),
    good("identity", b"{}", None, b"Content-Encoding: identity"),
    refused("gzip as a coding of the transfer",
            chunked(gzip.compress(b"{}"), coding=b"Transfer-Encoding: gzip"), 501, NGINX),
]
