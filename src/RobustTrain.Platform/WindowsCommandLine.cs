using System.Text;

namespace RobustTrain.Platform;

/// <summary>A command line of Windows, where a program gets one text and takes it apart itself.</summary>
internal static class WindowsCommandLine
{
    /// <summary>The words of a command line as a program of Windows takes it apart again (CommandLineToArgvW).</summary>
    internal static string Quote(IEnumerable<string> words)
    {
        StringBuilder line = new();
        foreach (string word in words)
        {
            line.Append(line.Length > 0 ? " \"" : "\"");
            int slashes = 0;
            foreach (char letter in word)
            {
                // Backslashes mean themselves but before a quotation mark.
                if (letter == '"')
                    line.Append('\\', slashes + 1);
                slashes = letter == '\\' ? slashes + 1 : 0;
                line.Append(letter);
            }

            line.Append('\\', slashes).Append('"');
        }

        return line.ToString();
    }
}
