using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RobustTrain.Training.Distributed.Liveness;

/// <summary>A line between a rank and the hub that watches over all, a JSON object.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Rank">The rank that it is of; -1 for the hub.</param>
internal sealed record RankMessage(RankMessageKind Kind, int Rank = RankMessage.Hub)
{
    /// <summary>The hub, where it is no rank itself.</summary>
    public const int Hub = -1;

    /// <summary>The rank's host.</summary>
    public string? Host { get; init; }

    /// <summary>The rank's process.</summary>
    public int ProcessId { get; init; }

    /// <summary>The step that it is in.</summary>
    public long Step { get; init; }

    /// <summary>What it does there: the collective that it is in, or was in last.</summary>
    public string? Phase { get; init; }

    /// <summary>Whether it waits in it for others.</summary>
    public bool IsWaiting { get; init; }

    /// <summary>Words: why a rank is lost, who asks for a stop, what people should know.</summary>
    public string? Text { get; init; }

    /// <summary>The exit code with which a rank ended by itself; null where it did not.</summary>
    public int? ExitCode { get; init; }

    /// <summary>With the challenge: how often each side says that it lives.</summary>
    public double TickMilliseconds { get; init; }

    /// <summary>With the challenge: how long either side may be silent.</summary>
    public double TimeoutMilliseconds { get; init; }

    /// <summary>The challenge, or its answer.</summary>
    public string? Proof { get; init; }
}

/// <summary>What a line between a rank and the hub says.</summary>
internal enum RankMessageKind
{
    /// <summary>The hub's challenge to one that connects.</summary>
    Challenge,

    /// <summary>A rank's answer: who it is, with proof that it knows the run's token.</summary>
    Hello,

    /// <summary>It lives: of a rank with its step and phase.</summary>
    Beat,

    /// <summary>A rank ends by itself.</summary>
    Bye,

    /// <summary>A rank is lost, or has ended with an error.</summary>
    Lost,

    /// <summary>All are to stop with a checkpoint.</summary>
    Stop,

    /// <summary>All are to take a checkpoint.</summary>
    Checkpoint,

    /// <summary>Something that people should know.</summary>
    Notice,
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RankMessage))]
internal sealed partial class RankMessageJson : JsonSerializerContext;

/// <summary>Lines over a socket: writes whole ones from any thread, and puts together what is read.</summary>
internal sealed class RankChannel(Socket socket) : IDisposable
{
    // What no rank says; one that sends more without the end of a line is none.
    private const int LongestLine = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[LongestLine];
    private int _held;

    /// <summary>The socket, to be waited for.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>The run's token answers a challenge.</summary>
    public static string Answer(string token, string challenge, int rank) =>
        Convert.ToHexString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{challenge}/{rank}"))));

    /// <summary>Writes a line.</summary>
    /// <returns>Whether the other side's system has taken it; it does not while nobody reads there for long.</returns>
    public bool TryWrite(RankMessage message)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(message, RankMessageJson.Default.RankMessage), (byte)'\n'];
        lock (_gate)
        {
            try
            {
                return Socket.Send(line) == line.Length;
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <summary>Reads what is there, and waits where there is nothing.</summary>
    /// <param name="messages">Takes the lines that are complete.</param>
    /// <returns>False at the end of the connection.</returns>
    public bool TryRead(List<RankMessage> messages)
    {
        try
        {
            int read = _held == _buffer.Length ? 0 : Socket.Receive(_buffer.AsSpan(_held));
            if (read == 0)
                return false;
            _held += read;
            Span<byte> rest = _buffer.AsSpan(0, _held);
            for (int end = rest.IndexOf((byte)'\n'); end >= 0; end = rest.IndexOf((byte)'\n'))
            {
                if (JsonSerializer.Deserialize(rest[..end], RankMessageJson.Default.RankMessage) is not { } message)
                    return false;
                messages.Add(message);
                rest = rest[(end + 1)..];
            }

            _held = rest.Length;
            rest.CopyTo(_buffer);
            return true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or JsonException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();
}
