// JAX-WS, with the classes that wsimport makes of the bus's WSDLs: address, name, secret, and a text.
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.datatype.XMLGregorianCalendar;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.WebServiceFeature;
import javax.xml.ws.soap.AddressingFeature;
import javax.xml.ws.soap.MTOMFeature;
import made.record.*;
import org.w3c.dom.Element;

public class Client {
    static final Map<String, Object> SAID = new LinkedHashMap<>();
    static String base, name, secret, text;

    static void step(String label, Callable<Object> run) {
        try {
            SAID.put(label, run.call());
        } catch (Exception error) {
            SAID.put(label, Map.of("error", String.valueOf(error)));
        }
    }

    static <T> T as(T port) {
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.USERNAME_PROPERTY, name);
        context.put(BindingProvider.PASSWORD_PROPERTY, secret);
        return port;
    }

    static URL at(String contract) throws Exception {
        return new URL(base + "/stand-in." + contract);
    }

    static Messages records(String wsdl, WebServiceFeature... features) throws Exception {
        return as(new MessagesService(at("record?" + wsdl)).getMessagesSoap(features));
    }

    static XMLGregorianCalendar date(String written) throws Exception {
        return DatatypeFactory.newInstance().newXMLGregorianCalendar(written);
    }

    static made.record.Record asked(Kind kind) throws Exception {
        Part part = new Part();
        part.setName("một mình");
        part.setCount(2);
        Entry entry = new Entry();
        entry.setText(text);
        entry.setKind(kind);
        entry.setWhole(-42);
        entry.setAmount(new BigDecimal("12345678901.25"));
        entry.setRight(true);
        entry.setDay(date("2026-02-28"));
        entry.setAt(date("2026-02-28T23:59:59+07:00"));
        entry.setOctets(new byte[] {0, (byte) 255, 16});
        entry.setNote(null);
        entry.setBlank("");
        entry.getTag().addAll(List.of("một", "", "ba"));
        entry.getPart().add(part);
        made.record.Record asked = new made.record.Record();
        asked.setEntry(entry);
        return asked;
    }

    static Object recorded(Messages port) throws Exception {
        Recorded answer = port.record(asked(Kind.KEEP));
        Entry kept = answer.getKept();
        Instant at = kept.getAt().toGregorianCalendar().toInstant();
        Map<String, Object> said = new LinkedHashMap<>(Map.of(
            "number", answer.getNumber(), "text", kept.getText(), "kind", kept.getKind().value(),
            "whole", kept.getWhole(), "amount", kept.getAmount().toPlainString(), "right", kept.isRight(),
            "day", kept.getDay().toXMLFormat(), "at", at.toString(), "blank", kept.getBlank(), "tag", kept.getTag()));
        said.put("octets", Base64.getEncoder().encodeToString(kept.getOctets()));
        said.put("note", kept.getNote());
        said.put("left", kept.getLeft());
        said.put("part", kept.getPart().stream()
            .map(each -> Map.of("name", each.getName(), "count", each.getCount())).collect(Collectors.toList()));
        return said;
    }

    static Object refused(Messages port) throws Exception {
        try {
            port.record(asked(Kind.REFUSE));
        } catch (FaultRefused fault) {
            return Map.of("reason", fault.getFaultInfo().getReason(), "field", fault.getFaultInfo().getField());
        }
        return Map.of("error", "no fault");
    }

    static Object note() throws Exception {
        made.note.Note told = new made.note.Note();
        told.setText(text);
        as(new made.note.MessagesService(at("note?wsdl")).getMessagesSoap()).note(told);
        return null;
    }

    static Object view() throws Exception {
        made.view.Request.Parts part = new made.view.Request.Parts();
        part.setName("một mình");
        part.setCount(BigInteger.TWO);
        made.view.Request asked = new made.view.Request();
        asked.setText(text);
        asked.setAmount(51.5);
        asked.setDay(date("2026-02-28"));
        asked.setNote(null);
        asked.getTags().addAll(List.of("một", ""));
        asked.getParts().add(part);
        made.view.Reply answer = as(new made.view.MessagesService(at("view?wsdl")).getMessagesSoap()).request(asked);
        Map<String, Object> said = new LinkedHashMap<>(Map.of(
            "text", answer.getText(), "amount", answer.getAmount(), "day", answer.getDay().toXMLFormat(),
            "tags", answer.getTags()));
        said.put("note", answer.getNote());
        said.put("parts", answer.getParts().stream()
            .map(each -> Map.of("name", each.getName(), "count", each.getCount())).collect(Collectors.toList()));
        return said;
    }

    static Object inbox() throws Exception {
        made.inbox.Inbox inbox = as(new made.inbox.InboxService(new URL(base + "/inbox?wsdl")).getInboxSoap());
        made.inbox.Delivery item = inbox.fetch(20, 1, null).get(0);
        Element note = (Element) item.getBody().getAny();
        inbox.ack(item.getId(), item.getAttempt(), null, item.getBody(), null);
        String said = note.getElementsByTagNameNS("urn:interop", "text").item(0).getTextContent();
        return Map.of("contract", item.getContract(), "attempt", item.getAttempt(), "text", said);
    }

    static String json(Object value) {
        if (value instanceof Map<?, ?> members) {
            return members.entrySet().stream().map(each -> json(each.getKey()) + ":" + json(each.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        }
        if (value instanceof Collection<?> items) {
            return items.stream().map(Client::json).collect(Collectors.joining(",", "[", "]"));
        }
        if (value instanceof String written) {
            String escaped = written.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
            return '"' + escaped.replace("\r", "\\r").replace("\t", "\\t") + '"';
        }
        return String.valueOf(value);
    }

    public static void main(String[] given) {
        base = given[0];
        name = given[1];
        secret = given[2];
        text = given[3];
        Authenticator.setDefault(new Authenticator() { // for the WSDLs, which a port loads when it is made
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication(name, secret.toCharArray());
            }
        });
        AddressingFeature addressing = new AddressingFeature(true, true);
        step("record", () -> recorded(records("wsdl")));
        step("fault", () -> refused(records("wsdl")));
        step("note", Client::note);
        step("view", Client::view);
        step("record12", () -> recorded(records("wsdl12")));
        step("fault12", () -> refused(records("wsdl12")));
        step("addressed", () -> recorded(records("wsdl", addressing)));
        step("addressedFault", () -> refused(records("wsdl", addressing)));
        step("mtom", () -> recorded(records("wsdl", new MTOMFeature(0))));
        step("mtomFault", () -> refused(records("wsdl", new MTOMFeature(0))));
        step("inbox", Client::inbox);
        System.out.writeBytes(json(SAID).getBytes(StandardCharsets.UTF_8));
    }
}
