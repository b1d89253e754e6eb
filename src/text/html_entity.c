/*
 * Character references: the 252 names of HTML 4, &apos;, and numbers. Sorted for bsearch, by strcmp.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/html_token.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 8, NUMBER_MAX_CHARS = 8 };

/* clang-format off */
static const struct entity {
    char name[NAME_MAX_BYTES + 1];
    unsigned short character;
} entities[] = {
    {"AElig", 198}, {"Aacute", 193}, {"Acirc", 194}, {"Agrave", 192}, {"Alpha", 913}, {"Aring", 197},
    {"Atilde", 195}, {"Auml", 196}, {"Beta", 914}, {"Ccedil", 199}, {"Chi", 935}, {"Dagger", 8225},
    {"Delta", 916}, {"ETH", 208}, {"Eacute", 201}, {"Ecirc", 202}, {"Egrave", 200}, {"Epsilon", 917},
    {"Eta", 919}, {"Euml", 203}, {"Gamma", 915}, {"Iacute", 205}, {"Icirc", 206}, {"Igrave", 204},
    {"Iota", 921}, {"Iuml", 207}, {"Kappa", 922}, {"Lambda", 923}, {"Mu", 924}, {"Ntilde", 209},
    {"Nu", 925}, {"OElig", 338}, {"Oacute", 211}, {"Ocirc", 212}, {"Ograve", 210}, {"Omega", 937},
    {"Omicron", 927}, {"Oslash", 216}, {"Otilde", 213}, {"Ouml", 214}, {"Phi", 934}, {"Pi", 928},
    {"Prime", 8243}, {"Psi", 936}, {"Rho", 929}, {"Scaron", 352}, {"Sigma", 931}, {"THORN", 222},
    {"Tau", 932}, {"Theta", 920}, {"Uacute", 218}, {"Ucirc", 219}, {"Ugrave", 217}, {"Upsilon", 933},
    {"Uuml", 220}, {"Xi", 926}, {"Yacute", 221}, {"Yuml", 376}, {"Zeta", 918}, {"aacute", 225},
    {"acirc", 226}, {"acute", 180}, {"aelig", 230}, {"agrave", 224}, {"alefsym", 8501}, {"alpha", 945},
    {"amp", 38}, {"and", 8743}, {"ang", 8736}, {"apos", 39}, {"aring", 229}, {"asymp", 8776},
    {"atilde", 227}, {"auml", 228}, {"bdquo", 8222}, {"beta", 946}, {"brvbar", 166}, {"bull", 8226},
    {"cap", 8745}, {"ccedil", 231}, {"cedil", 184}, {"cent", 162}, {"chi", 967}, {"circ", 710},
    {"clubs", 9827}, {"cong", 8773}, {"copy", 169}, {"crarr", 8629}, {"cup", 8746}, {"curren", 164},
    {"dArr", 8659}, {"dagger", 8224}, {"darr", 8595}, {"deg", 176}, {"delta", 948}, {"diams", 9830},
    {"divide", 247}, {"eacute", 233}, {"ecirc", 234}, {"egrave", 232}, {"empty", 8709}, {"emsp", 8195},
    {"ensp", 8194}, {"epsilon", 949}, {"equiv", 8801}, {"eta", 951}, {"eth", 240}, {"euml", 235},
    {"euro", 8364}, {"exist", 8707}, {"fnof", 402}, {"forall", 8704}, {"frac12", 189}, {"frac14", 188},
    {"frac34", 190}, {"frasl", 8260}, {"gamma", 947}, {"ge", 8805}, {"gt", 62}, {"hArr", 8660},
    {"harr", 8596}, {"hearts", 9829}, {"hellip", 8230}, {"iacute", 237}, {"icirc", 238}, {"iexcl", 161},
    {"igrave", 236}, {"image", 8465}, {"infin", 8734}, {"int", 8747}, {"iota", 953}, {"iquest", 191},
    {"isin", 8712}, {"iuml", 239}, {"kappa", 954}, {"lArr", 8656}, {"lambda", 955}, {"lang", 9001},
    {"laquo", 171}, {"larr", 8592}, {"lceil", 8968}, {"ldquo", 8220}, {"le", 8804}, {"lfloor", 8970},
    {"lowast", 8727}, {"loz", 9674}, {"lrm", 8206}, {"lsaquo", 8249}, {"lsquo", 8216}, {"lt", 60},
    {"macr", 175}, {"mdash", 8212}, {"micro", 181}, {"middot", 183}, {"minus", 8722}, {"mu", 956},
    {"nabla", 8711}, {"nbsp", 160}, {"ndash", 8211}, {"ne", 8800}, {"ni", 8715}, {"not", 172},
    {"notin", 8713}, {"nsub", 8836}, {"ntilde", 241}, {"nu", 957}, {"oacute", 243}, {"ocirc", 244},
    {"oelig", 339}, {"ograve", 242}, {"oline", 8254}, {"omega", 969}, {"omicron", 959}, {"oplus", 8853},
    {"or", 8744}, {"ordf", 170}, {"ordm", 186}, {"oslash", 248}, {"otilde", 245}, {"otimes", 8855},
    {"ouml", 246}, {"para", 182}, {"part", 8706}, {"permil", 8240}, {"perp", 8869}, {"phi", 966},
    {"pi", 960}, {"piv", 982}, {"plusmn", 177}, {"pound", 163}, {"prime", 8242}, {"prod", 8719},
    {"prop", 8733}, {"psi", 968}, {"quot", 34}, {"rArr", 8658}, {"radic", 8730}, {"rang", 9002},
    {"raquo", 187}, {"rarr", 8594}, {"rceil", 8969}, {"rdquo", 8221}, {"real", 8476}, {"reg", 174},
    {"rfloor", 8971}, {"rho", 961}, {"rlm", 8207}, {"rsaquo", 8250}, {"rsquo", 8217}, {"sbquo", 8218},
    {"scaron", 353}, {"sdot", 8901}, {"sect", 167}, {"shy", 173}, {"sigma", 963}, {"sigmaf", 962},
    {"sim", 8764}, {"spades", 9824}, {"sub", 8834}, {"sube", 8838}, {"sum", 8721}, {"sup", 8835},
    {"sup1", 185}, {"sup2", 178}, {"sup3", 179}, {"supe", 8839}, {"szlig", 223}, {"tau", 964},
    {"there4", 8756}, {"theta", 952}, {"thetasym", 977}, {"thinsp", 8201}, {"thorn", 254}, {"tilde", 732},
    {"times", 215}, {"trade", 8482}, {"uArr", 8657}, {"uacute", 250}, {"uarr", 8593}, {"ucirc", 251},
    {"ugrave", 249}, {"uml", 168}, {"upsih", 978}, {"upsilon", 965}, {"uuml", 252}, {"weierp", 8472},
    {"xi", 958}, {"yacute", 253}, {"yen", 165}, {"yuml", 255}, {"zeta", 950}, {"zwj", 8205}, {"zwnj", 8204},
};

/* What numbers from 128 to 159 mean in practice: the characters of Windows-1252. */
static const unsigned short windows[32] = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd,
    0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
    0x0153, 0xfffd, 0x017e, 0x0178,
};
/* clang-format on */

static int compare(const void *name, const void *entity)
{
    return strcmp(name, ((const struct entity *)entity)->name);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Names that people also write without the semicolon. */
static bool may_be_open(const char *name)
{
    static const char *const open[] = {"amp", "lt", "gt", "quot", "nbsp"};

    for (size_t i = 0; i < ARRAY_LEN(open); i++)
        if (strcmp(open[i], name) == 0)
            return true;
    return false;
}

/* after "&": the bytes used, 0 if it is no name that we know. */
static size_t read_name(struct span s, uint32_t *character)
{
    char name[NAME_MAX_BYTES + 1];
    size_t n = 0;

    while (n < s.n && n < NAME_MAX_BYTES && is_alnum(s.p[n])) {
        name[n] = s.p[n];
        n++;
    }
    name[n] = '\0';
    bool is_closed = n < s.n && s.p[n] == ';';
    if (!is_closed && !may_be_open(name))
        return 0;
    const struct entity *e = bsearch(name, entities, ARRAY_LEN(entities), sizeof entities[0], compare);
    if (!e)
        return 0;
    *character = e->character;
    return n + is_closed;
}

static int digit_of(char c, unsigned base)
{
    int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;

    return d < (int)base ? d : -1;
}

static uint32_t sane(uint32_t c)
{
    if (c >= 128 && c < 160)
        return windows[c - 128];
    if (c == '\t' || c == '\n' || c == '\r')
        return ' ';
    return c < 32 || c == 127 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ? UTF8_REPLACEMENT : c;
}

/* after "&#": the bytes used, 0 if it is no number. */
static size_t read_number(struct span s, uint32_t *character)
{
    unsigned base = s.n > 0 && (s.p[0] | 32) == 'x' ? 16 : 10;
    size_t from = base == 16, n = from;
    uint32_t c = 0;

    while (n < s.n && digit_of(s.p[n], base) >= 0 && n - from < NUMBER_MAX_CHARS)
        c = c * base + (uint32_t)digit_of(s.p[n++], base);
    if (n == from)
        return 0;
    *character = sane(c);
    return n + (n < s.n && s.p[n] == ';');
}

/* The bytes that the reference at the start of s takes, with its "&"; 0 if it is none. */
static size_t read_reference(struct span s, uint32_t *character)
{
    bool is_number = s.n > 1 && s.p[1] == '#';
    size_t at = 1 + is_number;
    struct span rest = {s.p + at, s.n - at};
    size_t used = is_number ? read_number(rest, character) : read_name(rest, character);

    return used ? at + used : 0;
}

void html_decode(struct span s, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        uint32_t character = 0;
        if (s.p[i] != '&')
            continue;
        size_t used = read_reference((struct span){s.p + i, s.n - i}, &character);
        if (used == 0)
            continue;
        buf_add(out, s.p + from, i - from);
        utf8_add(out, character);
        from = i + used;
        i = from - 1;
    }
    if (from < s.n)
        buf_add(out, s.p + from, s.n - from);
}

static bool is_control(char c)
{
    return ((unsigned char)c < 32 && c != '\n' && c != '\t' && c != '\r' && c != '\f') || c == 127;
}

static bool is_tab(struct span s)
{
    return span_is(s, "&#9;") || span_is(s, "&#x9;") || span_is(s, "&#X9;");
}

static void add_reference(struct span s, uint32_t character, struct buf *out)
{
    if (is_tab(s))
        buf_add_char(out, HTML_KEPT_TAB);
    else if (character == 160)
        buf_add_char(out, HTML_KEPT_SPACE);
    else
        utf8_add(out, character);
}

void html_decode_text(struct span s, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < s.n; i++) {
        uint32_t character = 0;
        size_t used = is_control(s.p[i]) ? 1 : 0;
        if (s.p[i] == '&')
            used = read_reference((struct span){s.p + i, s.n - i}, &character);
        if (used == 0)
            continue;
        buf_add(out, s.p + from, i - from);
        if (s.p[i] == '&')
            add_reference((struct span){s.p + i, used}, character, out);
        from = i + used;
        i = from - 1;
    }
    if (from < s.n)
        buf_add(out, s.p + from, s.n - from);
}
