// Sets every value of a document in the form, by the elements that a person would use: fields, checkboxes, and the buttons
// and lists that add what is not in sight.
const { metadata, spec } = JSON.parse(arguments[0]);
const byId = (id) => document.getElementById(id);
const frame = () => new Promise(requestAnimationFrame);

const until = async (what, poll) => {
    for (let tries = 0; tries < 300; tries += 1) {
        const found = poll();
        if (found) return found;
        await frame();
    }
    throw new Error(`there is no ${what}`);
};

const type = (input, text) => {
    input.focus();
    input.value = text;
    const event = input.localName === 'select' ? 'change' : 'input';
    input.dispatchEvent(new Event(event, { bubbles: true }));
    input.blur();
};

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isInput = (element) => ['input', 'select', 'textarea'].includes(element.localName);

const textOf = (input, value) => {
    if (Array.isArray(value)) return value.join(input.localName === 'textarea' ? '\n' : ', ');
    if (isObject(value)) return Object.entries(value).map(([key, one]) => `${key}=${one}`).join('\n');
    return String(value);
};

// The path of a field, as the ids of the page have it.
const join = (path, key) => (/[.[\]"]/.test(key) || key === '' ? `${path}[${JSON.stringify(key)}]` : `${path}.${key}`);

// The list of the settings of an object that are not in sight.
const settings = (path) => {
    const known = { spec: 'Add a setting', 'spec.dns': 'Add a setting of DNS' };
    const row = /^spec\.(cluster|service)s\[(\d+)\]$/.exec(path);
    return [...document.querySelectorAll('.add-setting select')].find((select) => {
        if (known[path]) return select.getAttribute('aria-label') === known[path];
        const around = select.closest('[id]').id;
        return around === (row ? `details-${row[1]}-${row[2]}` : path);
    });
};

// Opens what hides a field, and adds the field to its object if it has to be.
const reveal = async (path, parent, key) => {
    const row = /^spec\.(cluster|service)s\[(\d+)\]$/.exec(parent);
    if (!byId(path) && row) {
        const toggle = document.querySelector(`[aria-controls='details-${row[1]}-${row[2]}']`);
        if (toggle.getAttribute('aria-expanded') === 'false') toggle.click();
        await frame();
    }
    const option = () => [...(settings(parent)?.options ?? [])].some((one) => one.value === key);
    await until(`${path}, nor a setting ${key} of ${parent}`, () => byId(path) || option());
    if (!byId(path)) {
        const select = settings(parent);
        select.focus();
        select.value = key;
        select.dispatchEvent(new Event('change', { bubbles: true }));
    }
    return until(path, () => byId(path));
};

const putItems = async (path, items) => {
    for (const [index, value] of items.entries()) {
        const own = `${path}[${index}]`;
        if (/^spec\.(clusters|services)$/.test(path)) {
            if (!byId(`${own}.name`)) byId(path).click();
            await until(own, () => byId(`${own}.name`));
        } else if (!byId(own)) {
            // The list itself, or the link behind the text that has the simple ones.
            const first = byId(`${path}[0]`);
            const beside = byId(path).closest('.field')?.parentElement ?? byId(path);
            const links = [...beside.querySelectorAll('.note button.link')];
            const add = first
                ? first.parentElement.querySelector(':scope > button')
                : byId(path).querySelector(':scope > button') ??
                  links.find((link) => byId(path).compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING);
            if (!add) throw new Error(`nothing adds ${own}`);
            add.click();
            await until(own, () => byId(own));
        }
        await putFields(own, value);
    }
};

const tick = (fieldset, names) => {
    for (const label of fieldset.querySelectorAll('label.tick')) {
        const box = label.querySelector('input');
        if (box.checked !== names.includes(label.textContent.trim())) box.click();
    }
};

const put = async (parent, key, value) => {
    if (key === 'zones' && /^spec\.clusters\[\d+\]$/.test(parent)) key = 'zone';
    const path = join(parent, key);
    if (path === 'spec.clusters' || path === 'spec.services') return putItems(path, value);
    if (path === 'spec.dns' || path === 'metadata') return putFields(path, value);
    let element;
    if (byId(parent)?.matches('.items') && !byId(path)) {
        // An entry of a map.
        const input = byId(parent).querySelector(':scope > .buttons input.name');
        input.focus();
        input.value = key;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
        element = await until(path, () => byId(path));
    } else if (path.endsWith('.gateway') && value.addresses && !byId(path)) {
        // Of a gateway, the table has the addresses; with these the details have the rest.
        await put(path, 'addresses', value.addresses);
        const { addresses, ...rest } = value;
        if (Object.keys(rest).length === 0) return;
        element = await reveal(path, parent, key);
        value = rest;
    } else {
        element = await reveal(path, parent, key);
    }
    if (Array.isArray(value) && value.some(isObject)) return putItems(path, value);
    if (isInput(element)) {
        type(element, textOf(element, value));
    } else if (Array.isArray(value)) {
        tick(element, value);
    } else {
        if (element.localName === 'button') {
            element.click();
            await until(path, () => byId(path)?.localName !== 'button');
        }
        await putFields(path, value);
    }
    await frame();
};

const putFields = async (path, fields) => {
    for (const [key, value] of Object.entries(fields)) await put(path, key, value);
};

return (async () => {
    try {
        await putFields('metadata', metadata);
        await putFields('spec', spec);
        return '';
    } catch (error) {
        return `${error.message}\n${error.stack}`;
    }
})();
