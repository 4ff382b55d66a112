using System.Security.Cryptography;
using System.Text;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Access;

/// <summary>The secrets of a page: its token, which is in the address that is printed; and what a browser keeps in its place as a cookie.</summary>
internal sealed class AccessToken
{
    private const int RandomBytes = 24;
    private const int LeastLength = 16;
    private const int MostLength = 256;

    private AccessToken(string text) => Text = text;

    /// <summary>The token.</summary>
    public string Text { get; }

    /// <summary>What a browser that had the token keeps.</summary>
    public string Session { get; } = Random();

    /// <summary>What a page that may stop runs sends beside its cookie, which a browser also sends for pages of others on this machine.</summary>
    public string Writing { get; } = Random();

    /// <summary>A new one.</summary>
    public static AccessToken Create() => new(Random());

    /// <summary>That of a file, which is made, for its owner alone, where it is not there.</summary>
    /// <exception cref="RunException">It can't be read or made, is too short, or others can read it.</exception>
    public static AccessToken OfFile(string path)
    {
        try
        {
            if (!File.Exists(path))
                return Keep(path);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0)
                throw Refused("TokenFileOpen", $"Others can read the token file '{path}'; run: chmod 600 '{path}'", path);
            string text = File.ReadAllText(path).Trim();
            if (text.Length is < LeastLength or > MostLength || !text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_'))
                throw Refused("TokenInvalid", $"The token file '{path}' holds no token: expected {LeastLength} to {MostLength} letters, digits, - and _; an absent file is made.", path);
            return new AccessToken(text);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Refused("TokenFileNotUsable", $"The token file '{path}' can't be used: {refused.Message}", path);
        }
    }

    /// <summary>Whether a text is a secret, found out in a time that tells nothing of where they differ.</summary>
    public static bool Matches(string? given, string secret) =>
        given is { Length: > 0 and <= MostLength }
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private static AccessToken Keep(string path)
    {
        AccessToken made = Create();
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using StreamWriter writer = new(path, options);
        writer.WriteLine(made.Text);
        return made;
    }

    private static string Random() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomBytes)).Replace('+', '-').Replace('/', '_');

    private static RunException Refused(string id, string message, string path) => new(ExitCode.Configuration, id, message, path);
}
