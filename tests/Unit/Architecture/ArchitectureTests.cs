using System.Text.RegularExpressions;
using System.Xml.Linq;
using RobustTrain.Tests.Monitoring;

namespace RobustTrain.Tests.Architecture;

/// <summary>Who may know whom: between projects, between the folders of one, and of the system below.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string s_source = Path.Combine(TestFiles.Root, "src");

    private static readonly Dictionary<string, string[]> s_allowed = new()
    {
        ["Platform"] = [],
        ["Configuration"] = ["Platform"],
        ["Monitoring"] = ["Platform"],
        ["Runs"] = ["Configuration", "Platform"],
        ["Data"] = ["Configuration", "Platform"],
        ["SampleData"] = ["Data"],
        ["Training"] = ["Configuration", "Data", "Platform", "Runs"],
        ["Fleet"] = ["Configuration", "Monitoring", "Platform", "Runs"],
        ["Reports"] = ["Platform", "Runs"],
        ["Cmdlets"] = ["Fleet", "Monitoring", "Platform", "Reports", "Runs"],
        ["Dashboard"] = ["Fleet", "Monitoring", "Platform", "Runs"],
        ["Host"] = ["Configuration", "Data", "Fleet", "Monitoring", "Platform", "Reports", "Runs", "SampleData", "Training"],
    };

    private static readonly string[] s_projects = [.. Directory.GetDirectories(s_source, "RobustTrain.*").Select(folder => Path.GetExtension(folder)[1..])];

    public static TheoryData<string> Projects => [.. s_projects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_those_below_it(string project)
    {
        string[] references = [.. ReadProject(project).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'))["RobustTrain.".Length..])];

        Assert.Empty(references.Except(s_allowed[project]));
    }

    [Theory]
    [InlineData("PowerShellStandard.Library", "Cmdlets")]
    [InlineData("TorchSharp", "Training")]
    public void A_package_that_a_project_is_there_for_is_referenced_by_it_alone(string package, string owner)
    {
        string[] users = [.. s_projects.Where(project => ImportedText(project).Contains($"\"{package}\"", StringComparison.Ordinal))];

        Assert.Equal([owner], users);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_namespace_is_the_folder_of_its_files(string project)
    {
        string[] strays = [.. Files(project).Where(file => NamespaceOf(File.ReadAllText(file)) is { } found && found != ExpectedNamespace(project, file))];

        Assert.Empty(strays);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folders_of_a_project_depend_downward_only(string project)
    {
        Dictionary<string, HashSet<string>> uses = [];
        foreach (string text in Files(project).Select(File.ReadAllText))
        {
            if (NamespaceOf(text) is { } user)
                uses.TryAdd(user, []);
        }

        foreach (string text in Files(project).Select(File.ReadAllText))
        {
            if (NamespaceOf(text) is { } user)
                uses[user].UnionWith(Using().Matches(text).Select(found => found.Groups["name"].Value).Where(name => name != user && uses.ContainsKey(name)));
        }

        // What is left when folders that use none of the rest are taken away, again and again, goes round in a circle.
        while (uses.Where(folder => !folder.Value.Any(uses.ContainsKey)).Select(folder => folder.Key).ToArray() is { Length: > 0 } lowest)
        {
            foreach (string folder in lowest)
                uses.Remove(folder);
        }

        Assert.Empty(uses.Select(folder => $"{folder.Key} uses {string.Join(", ", folder.Value.Where(uses.ContainsKey))}"));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folder_holds_more_than_30_files(string project) =>
        Assert.Empty(Files(project).GroupBy(Path.GetDirectoryName).Where(folder => folder.Count() > 30).Select(folder => $"{folder.Key}: {folder.Count()}"));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Only_Platform_calls_the_operating_system(string project)
    {
        string[] callers = [.. Files(project).Where(file => SystemImport().IsMatch(File.ReadAllText(file)))];

        Assert.Equal(project == "Platform", callers.Length > 0);
    }

    [Fact]
    public void The_trainer_names_no_task()
    {
        string training = Path.Combine(s_source, "RobustTrain.Training");
        string tasks = Path.Combine(training, "Tasks") + Path.DirectorySeparatorChar;
        string[] knowing = [.. Files("Training").Where(file => !file.StartsWith(tasks, StringComparison.Ordinal) && Path.GetFileName(file) != "TaskCatalog.cs" && File.ReadAllText(file).Contains("ChangeDetection", StringComparison.Ordinal))];

        Assert.Empty(knowing);
    }

    private static IEnumerable<string> Files(string project)
    {
        string root = Path.Combine(s_source, $"RobustTrain.{project}");
        return Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"));
    }

    private static XDocument ReadProject(string project) => XDocument.Load(ProjectFile(project));

    private static string ProjectFile(string project) => Path.Combine(s_source, $"RobustTrain.{project}", $"RobustTrain.{project}.csproj");

    // The project's own file and the targets that it imports from build/.
    private static string ImportedText(string project)
    {
        string text = File.ReadAllText(ProjectFile(project));
        return text + string.Concat(Import().Matches(text).Select(found => File.ReadAllText(Path.Combine(TestFiles.Root, "build", found.Groups["file"].Value))));
    }

    private static string? NamespaceOf(string text) => Namespace().Match(text) is { Success: true } found ? found.Groups["name"].Value : null;

    private static string ExpectedNamespace(string project, string file)
    {
        string folder = Path.GetRelativePath(s_source, Path.GetDirectoryName(file)!);
        return folder.Replace(Path.DirectorySeparatorChar, '.');
    }

    [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^(global )?using (static )?(?<name>RobustTrain[\w.]*)", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"build/(?<file>[\w.]+\.targets)")]
    private static partial Regex Import();

    [GeneratedRegex(@"""(libc|kernel32|advapi32|ntdll|psapi)(\.[\w.]+)?""")]
    private static partial Regex SystemImport();
}
