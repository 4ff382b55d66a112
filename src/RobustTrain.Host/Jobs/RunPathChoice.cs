using System.Globalization;
using System.Text;

namespace RobustTrain.Host.Jobs;

/// <summary>Chooses a run's folder where none is named.</summary>
internal static class RunPathChoice
{
    private const string Parent = "runs";

    /// <summary><c>runs/&lt;name&gt;-&lt;date&gt;-&lt;time&gt;</c> in the current directory, in local time; then the same with numbers behind, where that is taken.</summary>
    public static IEnumerable<string> For(string name, TimeProvider time)
    {
        string stamp = time.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string path = Path.GetFullPath(Path.Combine(Parent, $"{FileName(name)}-{stamp}"));
        return Enumerable.Range(1, int.MaxValue - 1).Select(number => number == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{number}"));
    }

    // What every file system and shell takes without quoting.
    private static string FileName(string name)
    {
        StringBuilder text = new();
        foreach (char letter in name)
            text.Append(char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-');
        string trimmed = text.ToString().Trim('-', '.');
        return trimmed.Length == 0 ? "run" : trimmed;
    }
}
