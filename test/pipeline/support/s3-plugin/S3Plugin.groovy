// A stand-in for Nextflow's AWS plugin, which is not in the registries: s3:// as a file system of java.nio, over plain HTTP. It makes the
// requests that version 2.9 makes for each operation (docs/aws.md), and fails as it does: a denied request throws no IOException.
package lanceflow.test

import com.esotericsoftware.kryo.Kryo
import com.esotericsoftware.kryo.Serializer
import com.esotericsoftware.kryo.io.Input
import com.esotericsoftware.kryo.io.Output
import groovy.xml.XmlSlurper
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.channels.SeekableByteChannel
import java.nio.file.*
import java.nio.file.attribute.*
import java.nio.file.spi.FileSystemProvider
import java.time.Instant
import nextflow.file.FileHelper
import nextflow.file.FileSystemPathFactory
import nextflow.plugin.BasePlugin
import nextflow.util.SerializerRegistrant
import org.pf4j.PluginWrapper

class S3Plugin extends BasePlugin {
    S3Plugin(PluginWrapper wrapper) { super(wrapper) }

    void start() {
        super.start()
        FileHelper.getOrInstallProvider(S3Provider)
    }
}

class S3PathFactory extends FileSystemPathFactory {
    protected Path parseUri(String text) {
        return text.startsWith('s3://') ? FileHelper.getOrInstallProvider(S3Provider).fileSystem.getPath("/${text.substring(5)}") : null
    }
    protected String toUriString(Path path) { return path instanceof S3Path ? "s3:/${path}" : null }
    protected String getBashLib(Path target) { return null }
    protected String getUploadCmd(String source, Path target) { return null }
}

/** Storage of a task's paths in the cache. */
class S3PathSerializer extends Serializer<S3Path> implements SerializerRegistrant {
    void register(Map<Class, Object> serializers) { serializers.put(S3Path, S3PathSerializer) }
    void write(Kryo kryo, Output output, S3Path path) { output.writeString(path.toString()) }
    S3Path read(Kryo kryo, Input input, Class<S3Path> type) { return FileHelper.getOrInstallProvider(S3Provider).fileSystem.getPath(input.readString()) }
}

/** As the SDK's: with getStatusCode and getErrorCode. */
class S3Exception extends RuntimeException {
    int statusCode
    String errorCode
}

/** A path of this machine in form, `/bucket/key`, of another file system. */
class S3Path implements Path {
    final S3FileSystem fileSystem
    final Path form
    /** Attributes from a listing of the object, which answer only one request. */
    Map listed

    S3Path(S3FileSystem fileSystem, Path form) { this.fileSystem = fileSystem; this.form = form }

    private S3Path of(Path other) { return other == null ? null : new S3Path(fileSystem, other) }
    private static Path formOf(Path other) { return other instanceof S3Path ? other.form : other }

    String getBucket() { return form.getName(0) }
    String getKey() { return form.nameCount > 1 ? form.subpath(1, form.nameCount).toString() : '' }
    boolean isAbsolute() { return form.absolute }
    Path getRoot() { return of(form.root?.resolve(form.getName(0))) }
    Path getFileName() { return key || !absolute ? of(form.fileName) : null }
    Path getParent() { return key || !absolute ? of(form.parent) : null }
    int getNameCount() { return absolute ? form.nameCount - 1 : form.nameCount }
    Path getName(int index) { return of(form.getName(absolute ? index + 1 : index)) }
    Path subpath(int begin, int end) { return of(absolute ? form.subpath(begin + 1, end + 1) : form.subpath(begin, end)) }
    boolean startsWith(Path other) { return other instanceof S3Path && form.startsWith(other.form) }
    boolean endsWith(Path other) { return other instanceof S3Path && form.endsWith(other.form) }
    Path normalize() { return of(form.normalize()) }
    Path resolve(Path other) { return of(form.resolve(formOf(other))) }
    Path resolve(String other) { return of(form.resolve(other)) }
    Path relativize(Path other) { return of(form.relativize(formOf(other))) }
    URI toUri() { return new URI(null, null, "s3:/${form}", null, null) }
    Path toAbsolutePath() { return this }
    Path toRealPath(LinkOption... options) { throw new UnsupportedOperationException() }
    WatchKey register(WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) { throw new UnsupportedOperationException() }
    int compareTo(Path other) { return form.compareTo(formOf(other)) }
    String toString() { return absolute && !key ? "${form}/" : form.toString() }
    boolean equals(Object other) { return other instanceof S3Path && form == other.form }
    int hashCode() { return form.hashCode() }
}

class S3FileSystem extends FileSystem {
    final S3Provider provider

    S3FileSystem(S3Provider provider) { this.provider = provider }
    FileSystemProvider provider() { return provider }
    void close() {}
    boolean isOpen() { return true }
    boolean isReadOnly() { return false }
    String getSeparator() { return '/' }
    Iterable<Path> getRootDirectories() { provider.send('GET', '/'); return [] }
    Iterable<FileStore> getFileStores() { return [] }
    Set<String> supportedFileAttributeViews() { return ['basic'] as Set }
    Path getPath(String first, String... more) { return new S3Path(this, Path.of(first, more)) }
    PathMatcher getPathMatcher(String pattern) { throw new UnsupportedOperationException() }
    UserPrincipalLookupService getUserPrincipalLookupService() { throw new UnsupportedOperationException() }
    WatchService newWatchService() { throw new UnsupportedOperationException() }
}

class S3Provider extends FileSystemProvider {
    final S3FileSystem fileSystem = new S3FileSystem(this)
    private final HttpClient http = HttpClient.newHttpClient()

    /** @return the answer; its body is a stream */
    Object send(String method, String target, byte[] body = null, Map<String, String> headers = [:]) {
        def request = HttpRequest.newBuilder(URI.create(System.getenv('AWS_ENDPOINT_URL_S3') + target))
        request.header('Authorization', 'AWS test-key:unsigned')
        headers.each { name, value -> request.header(name, value) }
        request.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
        def answer = http.send(request.build(), BodyHandlers.ofInputStream())
        if (answer.statusCode() < 300) return answer
        def text = answer.body().text
        throw new S3Exception(statusCode: answer.statusCode(), errorCode: text ? new XmlSlurper().parseText(text).Code.text() : answer.statusCode().toString())
    }

    private static String encoded(String text) { return URLEncoder.encode(text, 'UTF-8').replace('+', '%20') }
    private static String at(S3Path path, String key = path.key) { return "/${path.bucket}/${encoded(key).replace('%2F', '/')}" }

    private Object list(S3Path path, String prefix, String more) {
        return new XmlSlurper().parseText(send('GET', "/${path.bucket}/?prefix=${encoded(prefix)}&${more}").body().text)
    }

    private static Map summary(Object object) {
        return [key: object.Key.text(), size: object.Size.text() as long, time: FileTime.from(Instant.parse(object.LastModified.text()))]
    }

    /** The object of this name, or the first below it. */
    private Map lookup(S3Path path) {
        def listed = path.listed
        path.listed = null
        if (listed) return listed
        if (!path.key) send('HEAD', "/${path.bucket}/")
        def found = list(path, path.key, 'max-keys=250').Contents.find { one ->
            def key = one.Key.text()
            key == path.key || key.startsWith("${path.key}/")
        }
        if (found.isEmpty()) throw new NoSuchFileException("s3:/${path}")
        return summary(found)
    }

    DirectoryStream<Path> newDirectoryStream(Path folder, DirectoryStream.Filter<? super Path> filter) {
        return [iterator: {
            def prefix = folder.key ? "${folder.key}/".toString() : ''
            def page = list(folder, prefix, "marker=${encoded(prefix)}&delimiter=%2F")
            def place = { String key -> new S3Path(fileSystem, Path.of("/${folder.bucket}/${key}")) }
            def objects = page.Contents.collect { one -> place(one.Key.text()).tap { listed = summary(one) } }
            (objects + page.CommonPrefixes.collect { one -> place(one.Prefix.text()) }).iterator()
        }, close: {}] as DirectoryStream<Path>
    }

    def <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options) {
        def found = path.key ? lookup(path) : [key: '/', size: 0L, time: null]
        def isFolder = found.key != path.key
        return [
            size: { isFolder ? 0L : found.size }, lastModifiedTime: { found.time }, creationTime: { found.time }, lastAccessTime: { found.time },
            isDirectory: { isFolder }, isRegularFile: { !isFolder }, isSymbolicLink: { false }, isOther: { false }, fileKey: { null },
        ] as BasicFileAttributes
    }

    void checkAccess(Path path, AccessMode... modes) {
        lookup(path)
        if (!modes) return
        send('GET', "${at(path)}?acl")
        send('GET', '/')
    }

    InputStream newInputStream(Path path, OpenOption... options) {
        try {
            return send('GET', at(path)).body()
        }
        catch (S3Exception refused) {
            if (refused.statusCode == 404) throw new NoSuchFileException(path.toString())
            throw new IOException("Cannot access file: s3:/${path}", refused)
        }
    }

    OutputStream newOutputStream(Path path, OpenOption... options) {
        def put = { byte[] bytes -> send('PUT', at(path), bytes) }
        return new ByteArrayOutputStream() {
            private boolean closed
            void close() {
                if (!closed) put(toByteArray())
                closed = true
            }
        }
    }

    void createDirectory(Path folder, FileAttribute<?>... attributes) { send('PUT', at(folder, "${folder.key}/"), new byte[0]) }

    void delete(Path path) {
        if (Files.notExists(path)) throw new NoSuchFileException("s3:/${path}")
        Files.isDirectory(path)
        [path.key, "${path.key}/"].each { key -> send('DELETE', at(path, key)) }
    }

    void copy(Path source, Path target, CopyOption... options) {
        if (!(StandardCopyOption.REPLACE_EXISTING in options) && Files.exists(target)) throw new FileAlreadyExistsException(target.toString())
        send('HEAD', at(source))
        send('PUT', at(target), new byte[0], ['x-amz-copy-source': at(source)])
    }

    void move(Path source, Path target, CopyOption... options) {
        copy(source, target, options)
        delete(source)
    }

    String getScheme() { return 's3' }
    FileSystem newFileSystem(URI uri, Map<String, ?> settings) { return fileSystem }
    FileSystem getFileSystem(URI uri) { return fileSystem }
    Path getPath(URI uri) { return fileSystem.getPath("/${uri.authority ?: ''}${uri.path}") }
    boolean isSameFile(Path one, Path other) { return one == other }
    boolean isHidden(Path path) { return false }
    FileStore getFileStore(Path path) { throw new UnsupportedOperationException() }
    def <V extends FileAttributeView> V getFileAttributeView(Path path, Class<V> type, LinkOption... options) { throw new UnsupportedOperationException() }
    Map<String, Object> readAttributes(Path path, String names, LinkOption... options) { throw new UnsupportedOperationException() }
    void setAttribute(Path path, String name, Object value, LinkOption... options) { throw new UnsupportedOperationException() }
    SeekableByteChannel newByteChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) { throw new UnsupportedOperationException() }
}
