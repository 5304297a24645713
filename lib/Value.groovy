/** Checks one parameter's value against its definition in the schema. */
class Value {

    /** The largest whole number that JavaScript represents exactly with its neighbours: 2^53 - 1. */
    private static final long MAX_WHOLE = 9007199254740991L

    /** Describes a problem, as the rest of a sentence that begins with the parameter's name; null if the value is valid. */
    static String problemWith(Object value, Map definition) {
        def wanted = wantedBy(definition)
        if (!hasType(value, definition.type)) {
            // Nextflow sets an option without a value to true.
            if (value == true) return "has no value; it needs ${wanted}."
            return "is ${shown(value)}; it needs ${wanted}."
        }
        if (value instanceof Number && Double.isNaN(value.doubleValue())) return "is NaN; it needs ${wanted}."
        if (definition.enum && !(value.toString() in definition.enum)) return "is ${shown(value)}; it needs ${wanted}."
        if (definition.minimum != null && value < definition.minimum) return "is ${value}; it needs ${wanted}."
        if (definition.exclusiveMinimum != null && value <= definition.exclusiveMinimum) return "is ${value}; it needs ${wanted}."
        if (definition.maximum != null && value > definition.maximum) return "is ${value}; it needs ${wanted}."
        return definition.type == 'string' ? problemWithText(value.toString(), definition) : problemWithNumber(value)
    }

    private static String problemWithText(String text, Map definition) {
        if (text.trim() == '') return "is empty; it needs ${wantedBy(definition)}."
        // Such characters would end a line in a task's script, a log or a message.
        if (text =~ Staging.CONTROL) return "is ${shown(text)}: it has a line break or another control character, or is not UTF-8."
        if (definition.pattern && !(text ==~ definition.pattern)) return "is ${shown(text)}: ${definition.pattern_message}"
        return null
    }

    private static String problemWithNumber(Object value) {
        if (!(value instanceof Number)) return null
        def isWhole = value instanceof Integer || value instanceof Long || value instanceof BigInteger
        if (isWhole && value > MAX_WHOLE) return "is ${value}; it needs a whole number up to ${MAX_WHOLE}."
        if (!Double.isFinite(value.doubleValue())) return "is ${value}; it needs a finite number."
        return null
    }

    private static boolean hasType(Object value, String type) {
        switch (type) {
            case 'integer': return value instanceof Integer || value instanceof Long || value instanceof BigInteger
            case 'number': return value instanceof Number
            case 'boolean': return value instanceof Boolean
            // A folder may be called 2024, which Nextflow reads as a number.
            default: return value instanceof CharSequence || value instanceof Number
        }
    }

    private static String wantedBy(Map definition) {
        if (definition.enum) return "one of ${definition.enum.join(', ')}"
        def limits = [
            definition.minimum != null ? "from ${definition.minimum}" : null,
            definition.exclusiveMinimum != null ? "above ${definition.exclusiveMinimum}" : null,
            definition.maximum != null ? "up to ${definition.maximum}" : null,
        ].findAll().join(' ')
        def kind = [integer: 'a whole number', number: 'a number', boolean: 'true or false'][definition.type]
        return [kind ?: 'a value', limits].findAll().join(' ')
    }

    private static String shown(Object value) {
        return value instanceof CharSequence ? "'${value.toString().replace('\n', '\\n')}'" : value.toString()
    }
}
