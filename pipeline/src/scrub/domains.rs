//! Top-level domains, as far as people have mail in them.

/// Country codes (ISO 3166-1 as IANA delegates them).
const COUNTRIES: &str = "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt \
bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr \
ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh \
ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz \
na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si \
sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn \
vu wf ws ye yt za zm zw ";

/// Generic domains with mail in use, and those that RFC 2606 reserves for examples.
const GENERIC: &str = " com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post xxx \
academy accountant accountants agency ai apartments app archi army art associates attorney auction audio auto baby band bank \
bar bargains beauty beer berlin best bet bike bingo bio blog blue boston boutique broker build builders business buzz cab \
cafe cam camera camp capital car cards care career careers casa cash casino center ceo charity chat cheap church city claims \
cleaning click clinic clothing cloud club coach codes coffee college community company computer condos construction \
consulting contractors cooking cool country coupons courses credit cruises dance dating day deals degree delivery democrat \
dental dentist design dev diamonds digital direct directory discount doctor dog domains download earth education email \
energy engineer engineering enterprises equipment estate events example exchange expert exposed express family fan fans farm \
fashion finance financial fish fit fitness flights florist flowers football forsale foundation fun fund furniture fyi \
gallery game games garden gift gifts gives glass global gmbh gold golf graphics gratis green gripe group guide guitars guru \
hair haus health healthcare help hockey holdings holiday homes horse hospital host hosting house icu immo inc industries ink \
institute insure international invalid investments jetzt jewelry kaufen kim kitchen kiwi land law lawyer lease legal lgbt \
life lighting limited limo link live llc loan loans lol london love ltd luxury maison management market marketing mba media \
medical memorial men menu miami money mortgage moscow movie navy network news ngo ninja nyc one ong online ooo page \
paris partners parts party pet pharmacy phone photo photography photos pics pictures pink pizza place plumbing plus poker \
porn press productions promo properties property pub quest racing realestate realtor recipes red rehab reise reisen rent \
rentals repair report republican rest restaurant review reviews rich rip rocks rodeo run sale salon school science scot \
security services sex shoes shop shopping show singles site ski skin soccer social software solar solutions space sport \
store stream studio study style supplies supply support surf surgery sydney systems tax taxi team tech technology tennis \
test theater tickets tienda tips tires tirol today tokyo tools top tours town toys trade training tube university uno \
vacations vegas ventures vet viajes video villas vin vip vision vodka vote voyage watch webcam website wedding wien wiki win \
wine work works world wtf xyz yachts yoga zone ";

/// Whether mail goes to domains that end so; in any case.
pub fn is_top_level(label: &[u8]) -> bool {
    if !(2..=13).contains(&label.len()) || !label.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let mut padded = [b' '; 15];
    for (slot, &byte) in padded.iter_mut().skip(1).zip(label) {
        *slot = byte.to_ascii_lowercase();
    }
    let Some(needle) = padded.get(..label.len() + 2) else { return false };
    if label.len() == 2 {
        return needle.get(1..).is_some_and(|code| {
            memchr::memmem::find(COUNTRIES.as_bytes(), code).is_some_and(|at| at % 3 == 0)
        }) || needle == b" ai ";
    }
    memchr::memmem::find(GENERIC.as_bytes(), needle).is_some()
}

#[cfg(test)]
mod tests {
    use super::is_top_level;

    #[test]
    fn top_level_domains_are_whole_labels() {
        for label in ["com", "ORG", "de", "io", "museum", "example", "tv", "zw", "com"] {
            assert!(is_top_level(label.as_bytes()), "{label}");
        }
        for label in ["png", "js", "c", "co m", "xq", "o", "local", "internal", "comm"] {
            assert!(!is_top_level(label.as_bytes()), "{label}");
        }
    }
}
