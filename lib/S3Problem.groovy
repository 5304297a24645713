import java.nio.file.NoSuchFileException
import java.nio.file.Path

/** Describes failed requests of Nextflow's plugin to S3, in words. */
class S3Problem {

    /** Returns [problem: why a request failed, remedy: what to do]. */
    static Map of(Exception problem, Path path, boolean isFolder = false) {
        if (problem instanceof NoSuchFileException) return [problem: 'no such object or folder on S3']
        def answered = answer(problem)
        if (!answered) {
            def remedy = problem.message?.contains('credentials') ? 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role'
                : 'Check the network, AWS_REGION and, for other services than AWS, the endpoint'
            return [problem: reasonOf(problem), remedy: remedy]
        }
        def what = "${answered.status} ${answered.code}"
        if (answered.code == 'NoSuchBucket') return [problem: "no such bucket (${what})", remedy: 'Check its name']
        if (answered.code == 'InvalidObjectState') return [problem: "the object is archived (${what})", remedy: 'Restore it first']
        if (answered.code in ['InvalidAccessKeyId', 'SignatureDoesNotMatch'])
            return [problem: "S3 does not know these credentials (${what})", remedy: 'Check them']
        if (answered.code in ['ExpiredToken', 'TokenRefreshRequired'])
            return [problem: "the session token has expired (${what})", remedy: 'Sign in again and run the same command']
        if (answered.status in [301, 307] || answered.code in ['AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])
            return [problem: "the bucket is in another region (${what})", remedy: 'Set AWS_REGION, or --aws_region, to that of the bucket']
        if (answered.status in [401, 403]) return isFolder ? unlistable(what, path) : unreadable(what, path)
        return [problem: "S3 failed (${what})", remedy: answered.status >= 500 ? 'Wait a moment and run the same command again' : null]
    }

    private static Map unreadable(String what, Path path) {
        def address = path.toUriString()
        return [
            problem: "access denied or not found, which S3 does not distinguish (${what})",
            remedy: "Check the address. This role, and the bucket's policy if another account owns it, must allow s3:GetObject of " +
                "${address}; if it is a folder, s3:ListBucket with the prefix ${prefixOf(path)}",
        ]
    }

    private static Map unlistable(String what, Path folder) {
        return [
            problem: "the folder cannot be listed: access denied (${what})",
            remedy: "This role, and the bucket's policy if another account owns it, must allow s3:ListBucket with the prefix " +
                "'${prefixOf(folder)}'. Without it, pass a samplesheet that lists the files",
        ]
    }

    private static String prefixOf(Path folder) {
        def key = folder.toUriString().replaceFirst('^s3://[^/]*/?', '').replaceFirst('/$', '')
        return key ? "${key}/" : ''
    }

    /** Describes S3's answer, or why it did not answer, in a few words. */
    static String reasonOf(Exception problem) {
        def answered = answer(problem)
        return answered ? "S3 answered ${answered.status} ${answered.code}" : problem.message?.readLines()?.find() ?: problem.class.simpleName
    }

    /**
     * Returns [status, code] of S3's answer; null if the exception does not come from AWS's SDK. The plugin determines the SDK's classes:
     * version 1 has properties; version 2, in newer plugins, has methods.
     */
    static Map answer(Throwable problem) {
        for (def one = problem; one != null; one = one.cause) {
            if (one.respondsTo('getStatusCode') && one.respondsTo('getErrorCode')) return [status: one.statusCode, code: one.errorCode]
            if (one.respondsTo('awsErrorDetails')) return [status: one.statusCode(), code: one.awsErrorDetails()?.errorCode()]
        }
        return null
    }
}
