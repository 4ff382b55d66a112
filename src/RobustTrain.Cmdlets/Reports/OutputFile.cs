using RobustTrain.Cmdlets.Words;
using RobustTrain.Platform;
using RobustTrain.Runs;

namespace RobustTrain.Cmdlets.Reports;

/// <summary>Where a document goes: checked before anything is read, written whole or not at all.</summary>
internal static class OutputFile
{
    /// <summary>The file that a path means: in a folder, one that is there or ends with a separator, one named after the subject.</summary>
    /// <param name="path">The absolute path.</param>
    /// <param name="name">The file's name in a folder.</param>
    public static string In(string path, string name) =>
        Directory.Exists(path) || Path.EndsInDirectorySeparator(path) ? Path.Combine(path, name) : path;

    /// <summary>Makes sure that a file can be written.</summary>
    /// <param name="file">The file.</param>
    /// <param name="mayOverwrite">Whether one that is there may go.</param>
    /// <exception cref="RunException">It can't.</exception>
    public static void Check(string file, bool mayOverwrite)
    {
        if (Directory.Exists(file))
            throw Refusal("FileIsFolder", file);
        if (File.Exists(file) && !mayOverwrite)
            throw Refusal("FileExists", file);
        if (!Directory.Exists(Path.GetDirectoryName(file)) && !Path.EndsInDirectorySeparator(Path.GetDirectoryName(file)!))
            throw Refusal("FileFolderNotFound", file);
    }

    /// <summary>Writes a document.</summary>
    /// <exception cref="RunException">The disk refuses.</exception>
    public static FileInfo Write(string file, string text)
    {
        try
        {
            DurableFile.Write(file, text);
            return new FileInfo(file);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new RunException(ExitCode.Unexpected, "FileNotWritten", $"'{file}' can't be written: {StorageError.Describe(refused)}", file, refused);
        }
    }

    private static RunException Refusal(string id, string file) => new(ExitCode.Configuration, id, Strings.Format(id, file), file);
}

/// <summary>The format of a document.</summary>
public enum DocumentFormat
{
    /// <summary>One HTML file that needs no other.</summary>
    Html,

    /// <summary>Markdown.</summary>
    Markdown,
}

/// <summary>Formats and the extensions that mean them.</summary>
internal static class DocumentFormats
{
    /// <summary>The format: as given, else as the file's extension says, else HTML.</summary>
    /// <exception cref="RunException">The extension names none.</exception>
    public static DocumentFormat Of(DocumentFormat? given, string? path)
    {
        if (given is { } format)
            return format;
        if (path is null || Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            return DocumentFormat.Html;
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".html" or ".htm" => DocumentFormat.Html,
            ".md" or ".markdown" => DocumentFormat.Markdown,
            var other => throw new RunException(ExitCode.Configuration, "FormatUnknown", Strings.Format("FormatUnknown", path, other, ".html, .htm, .md or .markdown"), path),
        };
    }

    /// <summary>The extension of a format's files.</summary>
    public static string ExtensionOf(DocumentFormat format) => format == DocumentFormat.Html ? ".html" : ".md";
}
