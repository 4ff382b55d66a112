using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Engines;

/// <summary>A registry that speaks NuGet's protocol, version 3 (learn.microsoft.com/nuget/api): its service index, the packages, and their digests.</summary>
/// <param name="index">The address of its service index.</param>
/// <param name="client">Asks it.</param>
public sealed class FeedSource(Uri index, HttpClient client) : PackageSource
{
    // Connections that break, in a row, without a byte in between.
    private const int Retries = 3;
    private const int BlockBytes = 1 << 17;

    /// <inheritdoc/>
    public override string Name => index.AbsoluteUri;

    /// <summary>Logs in to the registry; null for none.</summary>
    public NetworkCredential? Credential { get; init; }

    /// <summary>A client that follows the system's proxy, and leaves what it gets as it is sent: a part of a package is asked for by its bytes.</summary>
    public static HttpClient CreateClient() =>
        new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(15), AutomaticDecompression = DecompressionMethods.None }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <inheritdoc/>
    internal override async Task<string?> FetchAsync(EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        JsonElement service = await ReadJsonAsync(index, fetch, stopping);
        if (service.ValueKind != JsonValueKind.Object || !service.TryGetProperty("resources", out JsonElement resources) || resources.ValueKind != JsonValueKind.Array)
            throw NoFeed("it has no list of resources");
        string id = package.Id.ToLowerInvariant();
        var address = new Uri($"{Resource(resources, "PackageBaseAddress/3.0.0")}{id}/{package.Version}/{package.FileName}");
        string path = Path.Combine(fetch.Folder, package.FileName);
        string part = path + ".part";
        if (!File.Exists(path))
        {
            string? digest = package.Sha512 ?? await ReadDigestAsync(resources, id, package, fetch, stopping);
            if (digest is null || !await DownloadAsync(address, part, package, fetch, stopping))
                return null;

            try
            {
                PackageFetch.Check(package, digest, part, address.AbsoluteUri, "what was fetched is deleted, so that the same command fetches it anew", stopping);
            }
            catch (RunException)
            {
                File.Delete(part);
                throw;
            }

            File.Move(part, path);
        }

        return path;
    }

    // The package's own entry in the catalogue has its digest; a registration names it, or holds it.
    private async Task<string?> ReadDigestAsync(JsonElement resources, string id, EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        var leaf = new Uri($"{Resource(resources, "RegistrationsBaseUrl/3.6.0", "RegistrationsBaseUrl/3.4.0", "RegistrationsBaseUrl")}{id}/{package.Version}.json");
        if (await TryReadJsonAsync(leaf, fetch, stopping) is not { } registration)
            return null;
        if (registration.TryGetProperty("catalogEntry", out JsonElement entry) && entry.ValueKind == JsonValueKind.String)
            entry = await ReadJsonAsync(new Uri(entry.GetString()!), fetch, stopping);
        if (entry.ValueKind != JsonValueKind.Object || !entry.TryGetProperty("packageHash", out JsonElement hash)
            || !entry.TryGetProperty("packageHashAlgorithm", out JsonElement algorithm) || algorithm.GetString() is not "SHA512")
            throw new RunException(ExitCode.Configuration, "PackageDigestNotFound", $"There is nothing to check {package.Id} {package.Version} by: neither the module nor '{Name}' has its SHA-512.", Name);
        return hash.GetString();
    }

    // False where there is no such package. A file that is there in part is gone on with.
    private async Task<bool> DownloadAsync(Uri address, string path, EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        try
        {
            using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
            for (int failures = 0; ; await Task.Delay(fetch.Pause * (1 << failures), stopping))
            {
                long begun = file.Length;
                try
                {
                    return await DownloadRestAsync(address, file, package, fetch, stopping);
                }
                catch (Exception broken) when (IsBroken(broken, stopping))
                {
                    failures = file.Length > begun ? 1 : failures + 1;
                    if (failures > Retries)
                        throw new RunException(ExitCode.Unexpected, "PackageNotFetched", $"'{address}' could not be fetched: {Reason(broken, fetch)}; {Counted.Of(file.Length, "byte")} of it {(file.Length == 1 ? "is" : "are")} kept, and the same command goes on from there.", address.AbsoluteUri, broken);
                }
            }
        }
        finally
        {
            if (new FileInfo(path) is { Exists: true, Length: 0 })
                File.Delete(path);
        }
    }

    private async Task<bool> DownloadRestAsync(Uri address, FileStream file, EnginePackage package, PackageFetch fetch, CancellationToken stopping)
    {
        using HttpRequestMessage request = Request(address);
        if (file.Length > 0)
            request.Headers.Range = new RangeHeaderValue(file.Length, null);
        using HttpResponseMessage response = await SendAsync(request, fetch, stopping);
        ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.NotFound)
            return false;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && range?.Length == file.Length)
            return true;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable || (response.StatusCode == HttpStatusCode.PartialContent && range?.From != file.Length))
        {
            // The registry's file is another one than the part that is here.
            file.SetLength(0);
            throw new HttpRequestException("it does not go on where the part that is here ends");
        }

        EnsureSuccess(response, address);
        if (response.StatusCode != HttpStatusCode.PartialContent)
            file.SetLength(0);
        long? total = response.Content.Headers.ContentLength is { } rest ? file.Length + rest : package.Bytes;
        if (total is { } whole)
            DiskRoom.Check(fetch.Folder, whole - file.Length, package.FileName);

        file.Seek(0, SeekOrigin.End);
        await using Stream content = await response.Content.ReadAsStreamAsync(stopping);
        byte[] block = new byte[BlockBytes];
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        silence.CancelAfter(fetch.Silence);
        for (int count; (count = await content.ReadAsync(block, silence.Token)) > 0; silence.CancelAfter(fetch.Silence))
        {
            Write(file, block.AsSpan(0, count));
            await fetch.Report(new EngineProgress(EnginePhase.Fetching, package.FileName, file.Length, total));
        }

        return total is null || file.Length == total ? true : throw new HttpIOException(HttpRequestError.ResponseEnded, $"{file.Length} of {total} bytes came");
    }

    // Told apart from what the network refuses, which is tried again.
    private static void Write(FileStream file, ReadOnlySpan<byte> block)
    {
        try
        {
            file.Write(block);
        }
        catch (IOException refused)
        {
            throw new RunException(ExitCode.Unexpected, StorageError.IdOf(refused, "EngineNotWritten"), $"'{file.Name}' could not be written: {StorageError.Describe(refused).TrimEnd('.')}.", file.Name, refused);
        }
    }

    private async Task<JsonElement> ReadJsonAsync(Uri address, PackageFetch fetch, CancellationToken stopping) =>
        await TryReadJsonAsync(address, fetch, stopping) ?? throw NoFeed($"'{address}' is not there");

    // Null where there is none.
    private async Task<JsonElement?> TryReadJsonAsync(Uri address, PackageFetch fetch, CancellationToken stopping)
    {
        for (int failures = 1; ; failures++)
        {
            try
            {
                using HttpRequestMessage request = Request(address);
                using HttpResponseMessage response = await SendAsync(request, fetch, stopping);
                if (response.StatusCode == HttpStatusCode.NotFound)
                    return null;
                EnsureSuccess(response, address);
                await using Stream sent = await response.Content.ReadAsStreamAsync(stopping);
                // nuget.org keeps its registrations compressed, and sends them so whatever is asked for.
                await using Stream content = response.Content.Headers.ContentEncoding.Contains("gzip") ? new GZipStream(sent, CompressionMode.Decompress) : sent;
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                silence.CancelAfter(fetch.Silence);
                using JsonDocument document = await JsonDocument.ParseAsync(content, default, silence.Token);
                return document.RootElement.Clone();
            }
            catch (JsonException malformed)
            {
                throw NoFeed($"'{address}' is no JSON", malformed);
            }
            catch (Exception broken) when (IsBroken(broken, stopping))
            {
                if (failures > Retries)
                    throw new RunException(ExitCode.Unexpected, "PackageNotFetched", $"'{address}' could not be read: {Reason(broken, fetch)}.", address.AbsoluteUri, broken);
                await Task.Delay(fetch.Pause * (1 << failures), stopping);
            }
        }
    }

    private HttpRequestMessage Request(Uri address)
    {
        HttpRequestMessage request = new(HttpMethod.Get, address);
        if (Credential is { } login && address.Host == index.Host)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{login.UserName}:{login.Password}")));
        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, PackageFetch fetch, CancellationToken stopping)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        silence.CancelAfter(fetch.Silence);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
    }

    // What a registry may answer differently in a moment is tried again.
    private void EnsureSuccess(HttpResponseMessage response, Uri address)
    {
        if (response.IsSuccessStatusCode)
            return;
        string answer = $"{(int)response.StatusCode} {response.ReasonPhrase}";
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError)
            throw new HttpRequestException($"it answers {answer}");
        throw new RunException(
            ExitCode.Configuration, "PackageNotFetched",
            $"'{address}' answers {answer}{(response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? Credential is null ? "; name it by -Source and log in by -Credential" : $"; it does not take the login of {Credential.UserName}" : "")}.",
            address.AbsoluteUri);
    }

    private string Resource(JsonElement resources, params string[] types)
    {
        foreach (string type in types)
        {
            foreach (JsonElement resource in resources.EnumerateArray())
            {
                if (resource.TryGetProperty("@type", out JsonElement its) && its.GetString() == type && resource.TryGetProperty("@id", out JsonElement address))
                    return address.GetString()!.TrimEnd('/') + "/";
            }
        }

        throw NoFeed($"it has no resource {types[0]}");
    }

    private static bool IsBroken(Exception exception, CancellationToken stopping) =>
        !stopping.IsCancellationRequested && exception is HttpRequestException or IOException or OperationCanceledException;

    private static string Reason(Exception broken, PackageFetch fetch) => broken switch
    {
        OperationCanceledException => $"nothing came for {fetch.Silence.TotalSeconds:0} s",
        { InnerException: { } cause } => cause.Message.TrimEnd('.'),
        _ => broken.Message.TrimEnd('.'),
    };

    private RunException NoFeed(string reason, Exception? cause = null) =>
        new(ExitCode.Configuration, "PackageSourceInvalid", $"'{Name}' is no registry of NuGet's protocol, version 3: {reason}; expected an address that ends in index.json.", Name, cause);
}
