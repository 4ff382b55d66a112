using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace RobustTrain.Platform.Notifications;

/// <summary>Tells targets what happened, again where that fails, and never for longer than a bound.</summary>
public sealed class NotificationSender
{
    /// <summary>The variable of a command's environment that has the kind of what happened.</summary>
    public const string KindVariable = "ROBUSTTRAIN_EVENT";

    private const int KeptErrorLetters = 200;

    /// <summary>How often a target is tried.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>How long a target may take each time.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>The pause before it is tried again; twice as long each time.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Tells all targets side by side.</summary>
    /// <param name="targets">The targets.</param>
    /// <param name="kind">What happened, in one word.</param>
    /// <param name="json">What is told.</param>
    /// <param name="stopping">Gives up.</param>
    /// <returns>A sentence for each target that could not be told.</returns>
    public async Task<IReadOnlyList<string>> SendAsync(IEnumerable<NotificationTarget> targets, string kind, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        string?[] failures = await Task.WhenAll(targets.Select(target => SendAsync(target, kind, json, stopping))).ConfigureAwait(false);
        return [.. failures.OfType<string>()];
    }

    private async Task<string?> SendAsync(NotificationTarget target, string kind, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        for (int attempt = 1; ; attempt++)
        {
            (string? problem, bool isFinal) = await TryAsync(target, kind, json, stopping).ConfigureAwait(false);
            if (problem is null)
                return null;
            if (isFinal || attempt == Attempts || stopping.IsCancellationRequested)
                return $"'{kind}' could not be told to {target.Name}: {problem} {(attempt == 1 ? "It was tried once." : $"It was tried {attempt} times.")}";
            await Task.Delay(Backoff * Math.Pow(2, attempt - 1), stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<(string? Problem, bool IsFinal)> TryAsync(NotificationTarget target, string kind, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        bound.CancelAfter(Timeout);
        try
        {
            return target.Webhook is { } address
                ? await PostAsync(address, json, bound.Token).ConfigureAwait(false)
                : await RunAsync(target.Text, kind, json, bound.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return (string.Create(System.Globalization.CultureInfo.InvariantCulture, $"It did not answer within {Timeout.TotalSeconds:0.#} s."), false);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or Win32Exception)
        {
            return ($"{(failure.InnerException ?? failure).Message.TrimEnd('.')}.", failure is Win32Exception);
        }
    }

    // What a webhook answers is not read: it may never end.
    private static async Task<(string? Problem, bool IsFinal)> PostAsync(Uri address, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        using HttpClient client = new() { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        using HttpRequestMessage request = new(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("robusttrain", "1"));
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stopping).ConfigureAwait(false);
        if (answer.IsSuccessStatusCode)
            return default;
        bool mayPass = (int)answer.StatusCode >= 500 || answer.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests;
        return ($"It answered {(int)answer.StatusCode} ({answer.ReasonPhrase}).", !mayPass);
    }

    // What the command prints goes nowhere: standard output may carry events.
    private static async Task<(string? Problem, bool IsFinal)> RunAsync(string command, string kind, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        ProcessStartInfo start = OperatingSystem.IsWindows()
            ? new("cmd.exe", $"/d /s /c \"{command}\"") { CreateNoWindow = true }
            : new("/bin/sh", ["-c", command]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        start.Environment[KindVariable] = kind;
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> errors = ReadAsync(process.StandardError, stopping);
            Task<string> output = ReadAsync(process.StandardOutput, stopping);
            await WriteAsync(process, json, stopping).ConfigureAwait(false);
            await process.WaitForExitAsync(stopping).ConfigureAwait(false);
            await output.ConfigureAwait(false);
            string said = (await errors.ConfigureAwait(false)).Trim().ReplaceLineEndings(" ");
            return process.ExitCode == 0 ? default : ($"It ended with exit code {process.ExitCode}{(said.Length == 0 ? "." : $": {said.TrimEnd('.')}.")}", false);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteAsync(Process process, ReadOnlyMemory<byte> json, CancellationToken stopping)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(json, stopping).ConfigureAwait(false);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // A command need not read what it is told.
        }
    }

    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken stopping)
    {
        StringBuilder kept = new();
        char[] buffer = new char[1024];
        int count;
        while ((count = await reader.ReadAsync(buffer, stopping).ConfigureAwait(false)) > 0)
            kept.Append(buffer, 0, Math.Min(count, Math.Max(0, KeptErrorLetters - kept.Length)));
        return kept.ToString();
    }
}
