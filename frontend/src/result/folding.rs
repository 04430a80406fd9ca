//! Which objects of a file are unfolded, and how many of their lines are drawn.
//!
//! A file may have thousands of lines, and a browser needs several elements for each. So the first objects are open, as far
//! as their lines are few, and the others open on request, some lines at a time.

use std::collections::BTreeMap;

use super::objects::ObjectText;

/// Lines that are drawn at first, and with each request for more.
pub(crate) const LINES: usize = 300;
/// Objects that are drawn at first, and with each request for more.
pub(crate) const OBJECTS: usize = 60;

/// What somebody chose to see of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// The path of the file.
    file: String,
    /// Whether an object is open, by its title.
    open: BTreeMap<String, bool>,
    /// The number of lines of an object, if more are drawn than at first.
    lines: BTreeMap<String, usize>,
    /// The number of objects, if more are drawn than at first.
    objects: usize,
}

/// How an object is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) is_open: bool,
    /// The number of its lines that are drawn if it is open.
    pub(crate) lines: usize,
}

impl Choices {
    /// Begins anew for another file.
    pub(crate) fn enter(&mut self, file: &str) {
        if self.file != file {
            *self = Self {
                file: file.to_owned(),
                ..Self::default()
            };
        }
    }

    /// Opens or folds an object.
    pub(crate) fn set_open(&mut self, title: &str, is_open: bool) {
        self.open.insert(title.to_owned(), is_open);
    }

    /// Draws more lines of an object.
    pub(crate) fn draw_more(&mut self, title: &str) {
        *self.lines.entry(title.to_owned()).or_insert(LINES) += LINES;
    }

    /// Draws more objects.
    pub(crate) fn draw_more_objects(&mut self) {
        self.objects = self.objects.max(OBJECTS) + OBJECTS;
    }

    /// Opens and draws what a line of the file is in.
    pub(crate) fn reveal(&mut self, objects: &[ObjectText], line: usize) {
        let mut all = objects.iter().enumerate();
        let Some((index, object)) = all.find(|(_, one)| one.line_numbers().contains(&line)) else {
            return;
        };
        self.objects = self.objects.max(index + 1);
        self.set_open(&object.title, true);
        let least = line - object.first_line + 1;
        if least > self.lines_of(object) {
            self.lines.insert(object.title.clone(), least + LINES);
        }
    }

    fn lines_of(&self, object: &ObjectText) -> usize {
        let most = self.lines.get(&object.title).copied().unwrap_or(LINES);
        most.min(object.lines)
    }

    /// How the first objects are drawn; the others are not.
    pub(crate) fn drawn(&self, objects: &[ObjectText]) -> Vec<Drawn> {
        let mut left = LINES;
        let objects = objects.iter().take(self.objects.max(OBJECTS)).enumerate();
        objects
            .map(|(index, object)| {
                // A large one is folded, and so are all after it, unless it is alone at the start.
                if object.lines > left && index > 0 {
                    left = 0;
                }
                let chosen = self.open.get(&object.title).copied();
                let is_open = chosen.unwrap_or(left > 0);
                left = left.saturating_sub(object.lines);
                Drawn {
                    is_open,
                    lines: self.lines_of(object),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_lines(lines: &[usize]) -> Vec<ObjectText> {
        let mut first_line = 0;
        let objects = lines.iter().enumerate().map(|(index, &lines)| {
            let object = ObjectText {
                title: format!("A {index}"),
                range: 0..0,
                first_line,
                lines,
            };
            first_line += lines + 1;
            object
        });
        objects.collect()
    }

    fn open(choices: &Choices, objects: &[ObjectText]) -> Vec<usize> {
        let drawn = choices.drawn(objects).into_iter().enumerate();
        let open = drawn.filter(|(_, one)| one.is_open);
        open.map(|(index, _)| index).collect()
    }

    #[test]
    fn few_lines_are_drawn_at_first() {
        let choices = Choices::default();
        assert_eq!(open(&choices, &of_lines(&[20, 30, 40])), [0, 1, 2]);
        assert_eq!(open(&choices, &of_lines(&[100, 100, 150, 10])), [0, 1]);
        let large = of_lines(&[5000, 10]);
        assert_eq!(open(&choices, &large), [0]);
        assert_eq!(choices.drawn(&large)[0].lines, LINES);
        let many = of_lines(&vec![1000; 1000]);
        let drawn = choices.drawn(&many);
        assert_eq!(drawn.len(), OBJECTS);
        let lines = drawn.iter().filter(|one| one.is_open).map(|one| one.lines);
        assert!(lines.sum::<usize>() <= LINES);
    }

    #[test]
    fn more_is_drawn_on_request() {
        let objects = of_lines(&[250, 1000, 20]);
        let mut choices = Choices::default();
        choices.set_open("A 0", false);
        choices.set_open("A 1", true);
        assert_eq!(open(&choices, &objects), [1]);
        choices.draw_more("A 1");
        assert_eq!(choices.drawn(&objects)[1].lines, 2 * LINES);
        for _ in 0..5 {
            choices.draw_more("A 1");
        }
        assert_eq!(choices.drawn(&objects)[1].lines, 1000);
        choices.draw_more_objects();
        assert_eq!(choices.drawn(&of_lines(&[1; 500])).len(), 2 * OBJECTS);
    }

    #[test]
    fn a_line_is_revealed() {
        let mut lines = vec![10; 300];
        lines[250] = 2000;
        let objects = of_lines(&lines);
        let mut choices = Choices::default();
        choices.set_open("A 250", false);
        let line = objects[250].first_line + 1500;
        choices.reveal(&objects, line);
        let drawn = choices.drawn(&objects);
        assert!(drawn[250].is_open && drawn[250].lines > 1500);
        // Another file has other choices.
        choices.enter("a");
        assert_eq!(choices.drawn(&objects).len(), OBJECTS);
        choices.reveal(&objects, line);
        choices.enter("a");
        assert!(choices.drawn(&objects)[250].is_open);
        // The line between two objects is in neither.
        let before = choices.clone();
        choices.reveal(&objects, objects[250].first_line - 1);
        assert_eq!(choices, before);
    }
}
