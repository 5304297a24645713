/** Text for a bash command line. */
class Shell {

    /** One word for bash, whatever characters the text has. */
    static String quote(Object text) {
        return "'" + text.toString().replace("'", "'\\''") + "'"
    }

    /** `--name 'value'` for every option that has a value; nothing for the others. */
    static String options(Map<String, Object> values) {
        return values.findAll { _name, value -> value != null && value != '' }
            .collect { name, value -> "--${name} ${quote(value)}" }
            .join(' ')
    }

    /** A name for a file of our own, made of another file's: letters, digits, '.', '_' and '-' only. */
    static String safeName(Object name) {
        return name.toString().replaceAll(/[^A-Za-z0-9._-]/, '_').replaceAll(/^[.-]/, '_').take(120)
    }
}
