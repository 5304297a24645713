/** Writes bash command lines. */
class Shell {

    /** Quotes a text with any characters as one word. */
    static String quote(Object text) {
        return "'" + text.toString().replace("'", "'\\''") + "'"
    }

    /**
     * Writes options: `--some-name 'value'` for every some_name with a value, `--some-name` alone if the value is true, nothing if it is null
     * or false.
     */
    static String options(Map<String, Object> values) {
        return values.findAll { _name, value -> value != null && value != false }
            .collect { name, value -> value == true ? "--${kebab(name)}" : "--${kebab(name)} ${quote(value)}" }
            .join(' ')
    }

    /**
     * Writes a command that lists a task's inputs in a file, one per line. `printf` is built into bash, so the system's limit on the length of
     * a command line does not apply.
     * @param files one path, or a list, as Nextflow staged them
     */
    static String list(String file, Object files) {
        def names = (files instanceof List ? files : [files]).collect { name -> quote(name) }
        return names ? "printf '%s\\n' ${names.join(' ')} > ${file}" : ": > ${file}"
    }

    private static String kebab(String name) {
        return name.replace('_', '-')
    }

    /** Derives the name of an output from the name of an input: only letters, digits, '.', '_' and '-'. */
    static String safeName(Object name) {
        return name.toString().replaceAll(/[^A-Za-z0-9._-]/, '_').replaceAll(/^[.-]/, '_').take(120)
    }
}
