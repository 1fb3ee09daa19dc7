//! What people ask and what is answered, in several languages. Slots in braces are filled by `cast::fill`.

use crate::cast;
use crate::dice::Dice;

struct Exchange {
    route: &'static str,
    question: &'static str,
    answer: &'static str,
}

const fn exchange(route: &'static str, question: &'static str, answer: &'static str) -> Exchange {
    Exchange { route, question, answer }
}

const SUPPORT: &str = "/chat/support";
const ANSWERS: &str = "/search/answers";
const TRAVEL: &str = "/agent/travel";
const OPERATIONS: &str = "/agent/operations";
const QUESTIONS: &str = "/claims/questions";
const LETTERS: &str = "/claims/letters";

const EXCHANGES: &[Exchange] = &[
    exchange(
        SUPPORT,
        "Where is my order {order}? It should have come on {day}.",
        "Order {order} left our warehouse and is with the carrier. It will be with you by {day}; I have sent you the tracking page.",
    ),
    exchange(
        SUPPORT,
        "Can I return {book} if the cover is damaged?",
        "Of course. Keep it as it is, choose 'damaged' on the returns page and we send a new copy of {book} at once. You need not pay for the parcel.",
    ),
    exchange(
        SUPPORT,
        "I was charged {amount} EUR twice for order {order}.",
        "I see two payments of {amount} EUR for order {order}. One of them was only a reservation and will vanish within three days. If it doesn't, answer here and I refund it.",
    ),
    exchange(
        SUPPORT,
        "Wann kommt das Buch «{book}» wieder ins Lager? Ich warte seit {day}.",
        "«{book}» erwarten wir in der nächsten Woche zurück. Ich habe Sie vorgemerkt, Sie bekommen eine Nachricht, sobald es da ist.",
    ),
    exchange(
        SUPPORT,
        "Le colis {order} est arrivé ouvert, que faire ?",
        "Je suis désolé pour la commande {order}. Envoyez-nous une photo du colis, nous vous renvoyons les livres sans frais.",
    ),
    exchange(
        SUPPORT,
        "注文 {order} の配送先を変更できますか。",
        "はい、発送前であれば変更できます。注文 {order} はまだ準備中ですので、新しいご住所をお知らせください。",
    ),
    exchange(
        ANSWERS,
        "Which of your books would someone who loved {book} read next?",
        "Passage 2 names three: a quiet novel about duty, a travel diary and a long family story. Readers of {book} rate the second one highest.",
    ),
    exchange(
        ANSWERS,
        "What does the gift card cover, and for how long is it valid?",
        "By passage 1 a gift card covers books, e-books and postage. It is valid for three years from the day it was bought.",
    ),
    exchange(
        ANSWERS,
        "¿Hay una edición de {book} con letra grande?",
        "Según el pasaje 3, sí: la edición de bolsillo de {book} existe también con letra grande y cuesta {amount} EUR.",
    ),
    exchange(
        ANSWERS,
        "How late can I still change order {order}?",
        "Passage 1: until the parcel has left, usually {day} noon. After that a return is free.",
    ),
    exchange(
        TRAVEL,
        "I need to be in {city} on {day} before ten, by train if at all possible.",
        "There is a night train that reaches {city} at 08:42 on {day}, with one change. I have held a room near the station in case you go the evening before.",
    ),
    exchange(
        TRAVEL,
        "Plan two days in {city} with a child of six. It may rain.",
        "First day: the tram museum in the morning, the covered market at noon, the aquarium after. Second day: the park if it is dry in {city}, the science house if not. All of it is within four tram stops.",
    ),
    exchange(
        TRAVEL,
        "Find me a hotel in {city} under {amount} EUR with a desk.",
        "I found two in {city} under {amount} EUR. The quieter one has a desk in every room and can be cancelled until 18:00.",
    ),
    exchange(
        TRAVEL,
        "Як дістатися з аеропорту до центру, місто {city}?",
        "Найшвидше електричкою: вона ходить кожні двадцять хвилин, і до центру {city} доїжджає за пів години. Квиток можна купити в автоматі.",
    ),
    exchange(
        OPERATIONS,
        "Why did {service} restart three times this morning?",
        "Each restart of {service} followed an out-of-memory kill. The deploy on {day} doubled the batch size. I suggest rolling that one change back; the runbook names the owner.",
    ),
    exchange(
        OPERATIONS,
        "Errors in {service} doubled since {day}. What changed?",
        "One deploy and one new client. The errors are all timeouts against the same database pool, and they began eleven minutes after the deploy of {service}.",
    ),
    exchange(
        OPERATIONS,
        "Is it safe to drain the second node of {service} now?",
        "Traffic of {service} is at its daily low and the first node has room. The runbook asks for a snapshot first: the last one is nine hours old.",
    ),
    exchange(
        QUESTIONS,
        "Is a stolen {item} covered when it stood in the hallway?",
        "By passage 4 things in a shared hallway count as outside the home. A {item} is covered there if it was locked, up to the sum in your policy.",
    ),
    exchange(
        QUESTIONS,
        "Ist Wasserschaden durch Starkregen mitversichert?",
        "Nach Abschnitt 2 gilt Starkregen als Elementarschaden. Er ist nur mitversichert, wenn der Zusatz im Vertrag steht.",
    ),
    exchange(
        QUESTIONS,
        "How do I report a claim of {amount} EUR for a {item}?",
        "Passage 1: take photos, keep the bill, fill in the short form. Claims under 150 EUR need no expert, so a {item} for {amount} EUR is usually paid within a week.",
    ),
    exchange(
        QUESTIONS,
        "ما هي المدة القانونية للإبلاغ عن الضرر؟",
        "وفقًا للفقرة الأولى، يجب الإبلاغ عن الضرر خلال سبعة أيام من تاريخ اكتشافه.",
    ),
    exchange(
        LETTERS,
        "Write to the customer that the claim for the {item} was accepted.",
        "Dear customer, we have looked at your claim for the {item} and accepted it in full. The money will be with you within five working days. Thank you for your patience.",
    ),
    exchange(
        LETTERS,
        "请写一封信,说明需要补充购买{item}的发票。",
        "尊敬的客户:为了继续处理您的理赔申请,请您补充提供购买凭证。收到之后,我们会在五个工作日内答复您。谢谢您的配合。",
    ),
    exchange(
        LETTERS,
        "Ask politely for a photo of the damaged {item}, in two sentences.",
        "Could you please send us one photo of the damaged {item}? It lets us decide at once, and you need not come in person.",
    ),
];

/// A question of the route and its answer, about the same book, city or order.
pub fn of_route(route: &str, dice: &mut Dice) -> (String, String) {
    let fitting: Vec<&Exchange> = EXCHANGES.iter().filter(|exchange| exchange.route == route).collect();
    tell(dice.pick::<&Exchange>(&fitting), dice)
}

pub fn any(dice: &mut Dice) -> (String, String) {
    tell(dice.pick(EXCHANGES), dice)
}

fn tell(exchange: &Exchange, dice: &mut Dice) -> (String, String) {
    let both = cast::fill(&format!("{}\n{}", exchange.question, exchange.answer), dice);
    let (question, answer) = both.split_once('\n').unwrap_or((&both, ""));
    (question.to_owned(), answer.to_owned())
}

/// About four characters a token in Latin script; other scripts take a token for each character or two.
pub fn tokens(text: &str) -> u64 {
    text.chars().map(|character| if character.is_ascii() { 1 } else { 3 }).sum::<u64>() / 4 + 1
}

pub const COMMENTS: &[&str] = &[
    "Exactly what I needed.",
    "Too long.",
    "That is not my order.",
    "Danke, sehr hilfreich!",
    "Wrong city.",
];
