/** Text for a bash command line. */
class Shell {

    /** One word for bash, whatever characters the text has. */
    static String quote(Object text) {
        return "'" + text.toString().replace("'", "'\\''") + "'"
    }

    /**
     * `--some-name 'value'` for every some_name that has a value, `--some-name` alone where it is true; nothing for
     * the others.
     */
    static String options(Map<String, Object> values) {
        return values.findAll { _name, value -> value != null && value != false }
            .collect { name, value -> value == true ? "--${kebab(name)}" : "--${kebab(name)} ${quote(value)}" }
            .join(' ')
    }

    /**
     * A command that writes the names of a task's inputs into a file, one a line: `printf` is part of bash, so there may be
     * more of them than the system lets a command line have.
     * @param files one path, or a list, as Nextflow staged them
     */
    static String list(String file, Object files) {
        def names = (files instanceof List ? files : [files]).collect { name -> quote(name) }
        return names ? "printf '%s\\n' ${names.join(' ')} > ${file}" : ": > ${file}"
    }

    private static String kebab(String name) {
        return name.replace('_', '-')
    }

    /** A name for a file of our own, made of another file's: letters, digits, '.', '_' and '-' only. */
    static String safeName(Object name) {
        return name.toString().replaceAll(/[^A-Za-z0-9._-]/, '_').replaceAll(/^[.-]/, '_').take(120)
    }
}
