//! The map as a file: an SVG with its own colours, which any viewer opens.

use std::fmt::Write as _;

use super::map::{Area, Frame, Layout, Line, Place, answer, curve, cut, room};
use crate::workers::calls::Calls;
use crate::workers::simulated::Look;

/// The colours of the page in light.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1c2430}.region{fill:#f4f6f9;stroke:#c9d1dc}\
.zone{fill:#fff;stroke:#dfe4eb}.label{font-weight:600;fill:#5b6675;paint-order:stroke;stroke:#fff;stroke-width:3px}.card{fill:#fff;stroke:#8a95a5}.runs{stroke-width:2}\
.changed{stroke:#8a5a00}.unanswered,.gone{stroke:#b3261e}path{fill:none;stroke:#3b6fd4;stroke-width:1.5}";

/// The file.
pub(crate) fn document(layout: &Layout, places: &[Place], lines: &[Line], calls: &Calls) -> String {
    let (width, height) = (layout.width, layout.height + TITLE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 {} {width} {height}\">\
         <style>{STYLE}</style>\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path d=\"M0 0 8 4 0 8z\" style=\"fill:#3b6fd4;stroke:none\"/></marker></defs>",
        -TITLE
    );
    let title = format!("Calls for {} by {}", calls.host, calls.transport);
    text(&mut svg, "label", 10, -TITLE / 2 + 4, &title);
    for Area {
        is_region, frame, ..
    } in &layout.areas
    {
        let class = if *is_region { "region" } else { "zone" };
        rectangle(&mut svg, class, frame);
    }
    for line in lines {
        // Writing to a text does not fail, here and below.
        _ = write!(
            svg,
            "<path d=\"{}\" marker-end=\"url(#arrow)\"/>",
            curve(layout, line)
        );
    }
    // Above the lines that pass them.
    for Area { label, frame, .. } in &layout.areas {
        text(&mut svg, "label", frame.x + 8, frame.y + 15, label);
    }
    for (place, frame) in places.iter().zip(&layout.cards) {
        let (look, words) = answer(calls, &place.name);
        let runs = if calls.runs_in.contains(&place.name) {
            " runs"
        } else {
            ""
        };
        rectangle(&mut svg, &format!("card{runs}{}", class(look)), frame);
        let most = room(frame);
        text(
            &mut svg,
            "",
            frame.x + 10,
            frame.y + 20,
            &cut(&place.name, most),
        );
        text(&mut svg, "", frame.x + 10, frame.y + 37, &cut(&words, most));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The height of the title, above the map.
const TITLE: i32 = 28;

/// The class of an answer, after a space.
pub(crate) const fn class(look: Option<Look>) -> &'static str {
    match look {
        Some(Look::Changed) => " changed",
        Some(Look::Unanswered) => " unanswered",
        Some(Look::Gone) => " gone",
        Some(Look::Same) | None => "",
    }
}

fn rectangle(svg: &mut String, class: &str, frame: &Frame) {
    let Frame {
        x,
        y,
        width,
        height,
    } = frame;
    _ = write!(
        svg,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>"
    );
}

fn text(svg: &mut String, class: &str, x: i32, y: i32, words: &str) {
    _ = write!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">");
    for c in words.chars() {
        match c {
            '&' => svg.push_str("&amp;"),
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            // XML has no other control characters.
            c if c.is_control() => svg.push(' '),
            c => svg.push(c),
        }
    }
    svg.push_str("</text>");
}

#[cfg(test)]
mod tests {
    use super::super::map::{layout, lines};
    use super::*;
    use crate::workers::calls::Client;

    #[test]
    fn names_of_a_document_are_text_and_no_markup() {
        let evil = "</text><script>alert(1)</script>&\u{0}\"'";
        let place = |name: &str| Place {
            name: name.to_owned(),
            region: evil.to_owned(),
            zone: evil.to_owned(),
        };
        let places = [place(evil), place("other")];
        let calls = Calls {
            service: evil.to_owned(),
            host: evil.to_owned(),
            transport: "http".to_owned(),
            runs_in: vec![evil.to_owned()],
            clients: vec![Client {
                cluster: "other".to_owned(),
                look: Look::Changed,
                words: evil.to_owned(),
                answered_by: vec![evil.to_owned()],
            }],
        };
        let layout = layout(&places, 640);
        let svg = document(&layout, &places, &lines(&places, &calls, None), &calls);
        assert!(!svg.contains("<script") && !svg.contains('\u{0}'), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert_eq!(svg.matches("marker-end").count(), 1);
    }
}
